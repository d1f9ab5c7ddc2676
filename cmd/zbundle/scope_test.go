package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/sim"
)

// scopes are the ways to ask for a part of the mesh.
func scopes() map[string]collect.Options {
	return map[string]collect.Options{
		"one node":               {Nodes: []string{"node-0001"}},
		"nodes of a zone":        {NodeSelector: "topology.kubernetes.io/zone=eu-central-1b"},
		"a namespace":            {Namespaces: []string{"pay"}},
		"a namespace's mesh":     {For: "shop"},
		"a workload's mesh":      {For: "shop/frontend"},
		"a node and a namespace": {Nodes: []string{"node-0002"}, Namespaces: []string{"web"}},
		"no waypoints":           {Waypoints: collect.WaypointsLeave},
		"no logs":                {NoLogs: true},
		"a small budget":         {Budget: 1},
	}
}

func TestAPartOfAHealthyMeshHasNoFinding(t *testing.T) {
	atLength(t)
	cluster := started(t, sim.Options{Generate: &sim.Generate{Nodes: 6, Workloads: 60, Seed: 1, Version: "1.30.3"}})
	for name, opts := range scopes() {
		t.Run(name, func(t *testing.T) {
			file := collectedFrom(t, cluster, "part.tgz", opts)
			r := verdictOn(t, file)
			for _, f := range r.Findings {
				t.Errorf("finding %s: %s", f.ID, f.Message)
			}
			_, m := opened(t, file)
			if !m.Complete {
				t.Errorf("it is incomplete: %s", m.Incomplete)
			}
			left := slices.ContainsFunc(m.Tasks, func(task bundle.Task) bool {
				return task.Status == bundle.StatusSkipped && (strings.HasPrefix(task.Reason, "scope: ") || strings.HasPrefix(task.Reason, "budget: "))
			})
			if !left && !opts.NoLogs && opts.For == "" { // its peers run on every node of so small a mesh
				t.Error("the manifest does not say what was left out")
			}
		})
	}
}

// TestAFaultInScopeIsFound asks for the node of a fault, and for its namespace.
func TestAFaultInScopeIsFound(t *testing.T) {
	atLength(t)
	for _, fault := range []string{"pod-enrolled-not-in-ztunnel", "workload-missing-in-ztunnel", "cert-expired", "proxy-pending"} {
		t.Run(fault, func(t *testing.T) {
			cluster := started(t, sim.Options{Generate: &sim.Generate{Nodes: 6, Workloads: 60, Seed: 1, Version: "1.30.3", Faults: []string{fault}}})
			subject := cluster.Planted()[0].Subject
			want := fault
			if special, ok := found[fault]; ok {
				want = special.id
			}
			for name, opts := range map[string]collect.Options{
				"its node":      {Nodes: []string{subject.Node}},
				"its namespace": {Namespaces: []string{subject.Namespace}},
				"its workload":  {For: subject.Namespace + "/" + subject.Name},
			} {
				// What a node without peers of the workload lacks is no matter of its mesh.
				elsewhere := subject.Kind != "pod" || fault == "workload-missing-in-ztunnel"
				if opts.Namespaces != nil && subject.Namespace == "" || opts.For != "" && elsewhere || opts.Nodes != nil && subject.Node == "" {
					continue
				}
				r := verdictOn(t, collectedFrom(t, cluster, "part.tgz", opts))
				var ids []string
				for _, f := range r.Findings {
					ids = append(ids, f.ID)
				}
				if !slices.Equal(ids, []string{want}) {
					t.Errorf("%s: found %v, want %s", name, ids, want)
				}
			}
		})
	}
}

func TestAScopeThatIsNotThereIsAnError(t *testing.T) {
	cluster := started(t, sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3"}})
	for want, opts := range map[string]collect.Options{
		`there is no node "node-9999" (--node)`:             {Nodes: []string{"node-9999"}},
		"no pod of shop/nobody runs on any node (--for)":    {For: "shop/nobody"},
		`no node matches "disktype=tape" (--node-selector)`: {NodeSelector: "disktype=tape"},
	} {
		opts.Output = t.TempDir() + "/none.tgz"
		if _, err := collect.Run(t.Context(), []collect.Cluster{{Config: cluster.RESTConfig()}}, opts, collect.Quiet{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func started(t *testing.T, opts sim.Options) *sim.Cluster {
	t.Helper()
	cluster, err := sim.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}
