package collect

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/sim"
	"github.com/zbundle/zbundle/internal/ui"
)

// collected is what came of one run.
type collected struct {
	manifest *bundle.Manifest
	said     string
	requests []sim.Request
}

// run collects from a simulated cluster.
func collectFrom(t *testing.T, served sim.Options, opts Options) collected {
	t.Helper()
	var mu sync.Mutex
	var c collected
	served.OnRequest = func(r sim.Request) {
		mu.Lock()
		defer mu.Unlock()
		c.requests = append(c.requests, r)
	}
	cluster, err := sim.Start(t.Context(), served)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var said bytes.Buffer
	opts.Output = filepath.Join(t.TempDir(), "mesh.tgz")
	if opts.MetricsInterval == 0 {
		opts.MetricsInterval = time.Millisecond
	}
	if _, err := Run(t.Context(), []Cluster{{Config: cluster.RESTConfig()}}, opts, &ui.Lines{W: &said}); err != nil {
		t.Fatal(err)
	}
	c.said = said.String()
	r, err := bundle.Open(opts.Output)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := r.Cat(t.Context(), layout.Manifest, &text); err != nil {
		t.Fatal(err)
	}
	if c.manifest, err = bundle.DecodeManifest(&text); err != nil {
		t.Fatal(err)
	}
	return c
}

// rolesFor are those that RightsFor gives, as the simulated cluster binds
// them, without one right.
func rolesFor(rights []right, without right) []sim.Role {
	rest := slices.DeleteFunc(slices.Clone(rights), func(x right) bool { return x == without })
	made := rolesOf(rest, "zbundle", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "alice"})
	roles := []sim.Role{{Rules: made.Cluster.Rules}}
	for _, role := range made.Namespaced {
		roles = append(roles, sim.Role{Namespace: role.Namespace, Rules: role.Rules})
	}
	return roles
}

// plannedRights are what a run with these options needs in a cluster.
func plannedRights(t *testing.T, served sim.Options, opts Options) []right {
	t.Helper()
	cluster, err := sim.Start(t.Context(), served)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	r, err := scout(t.Context(), cluster.RESTConfig(), opts.withoutAuto())
	if err != nil {
		t.Fatal(err)
	}
	return r.scope.wanted()
}

// statuses are how the tasks ended, by label.
func statuses(m *bundle.Manifest) map[string]bundle.Status {
	out := map[string]bundle.Status{}
	for _, task := range m.Tasks {
		out[label(task.ID, task.Target)+" "+task.Request] = task.Status
	}
	return out
}

// TestEachRightCoversWhatItIsSaidTo takes every single right away, one after
// the other: all is there but what it covers, it is said beforehand, and what
// is denied is not asked for.
func TestEachRightCoversWhatItIsSaidTo(t *testing.T) {
	small := sim.Options{Generate: &sim.Generate{Nodes: 1, Workloads: 6, Seed: 1, Version: "1.30.3", MemoryUsed: 64 << 20}}
	rights := plannedRights(t, small, Options{})
	exact := small
	exact.Roles = rolesFor(rights, right{})
	whole := collectFrom(t, exact, Options{})
	if !whole.manifest.Complete {
		t.Fatalf("with exactly the rights of the plan: %s\n%s", whole.manifest.Incomplete, whole.said)
	}
	for _, without := range rights {
		t.Run(strings.ReplaceAll(without.String(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			served := small
			served.Roles = rolesFor(rights, without)
			got := collectFrom(t, served, Options{})
			var denied []string
			for _, x := range got.manifest.Rights {
				if x.Denied {
					denied = append(denied, rightOf(x).String())
				}
			}
			if diff := cmp.Diff([]string{without.String()}, denied); diff != "" {
				t.Errorf("denied (-taken away +manifest):\n%s", diff)
			}
			if !strings.Contains(got.said, "\n  "+without.String()+"\n") {
				t.Errorf("it is not said beforehand:\n%s", got.said)
			}
			for _, r := range got.requests {
				if r.Target == "api-server" && askedBy(without, r.Path) {
					t.Errorf("asked all the same: %s", r.Path)
				}
			}
			if without.resource == "pods" && without.group == "" {
				return // without the list of pods there is nobody to ask
			}
			before, after := statuses(whole.manifest), statuses(got.manifest)
			for key, status := range before {
				if covers(t, without, key) {
					if now := after[key]; now == bundle.StatusOK {
						t.Errorf("%s is %s", key, now)
					}
					continue
				}
				if now := after[key]; now != status && !strings.Contains(key, "GET 127.0.0.1:15014/debug/config_dump") {
					t.Errorf("%s is %s, with all rights %s", key, now, status)
				}
			}
		})
	}
}

// listsPods grants no more than that, in one namespace.
func listsPods(namespace string) sim.Role {
	return sim.Role{Namespace: namespace, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}}}
}

// TestSingleNamespacesStandForAll: where pods can't be listed everywhere, those
// namespaces are asked where they can, and no others, in both looks.
func TestSingleNamespacesStandForAll(t *testing.T) {
	got := collectFrom(t, sim.Options{
		Generate: &sim.Generate{Nodes: 1, Workloads: 6, Seed: 1, Version: "1.30.3"}, Roles: []sim.Role{listsPods("istio-system"), listsPods("shop")},
	}, Options{Namespaces: []string{"shop", "pay"}})
	var asked []string
	for _, r := range got.requests {
		if path, _, _ := strings.Cut(r.Path, "?"); strings.HasSuffix(path, "/pods") {
			asked = append(asked, path)
		}
	}
	both := []string{"/api/v1/namespaces/istio-system/pods", "/api/v1/namespaces/shop/pods"}
	if diff := cmp.Diff(slices.Concat(both, both), asked); diff != "" {
		t.Errorf("lists of pods (-want +asked):\n%s", diff)
	}
	for _, task := range got.manifest.Tasks {
		if !strings.HasPrefix(task.ID, podsTask) || task.Status == bundle.StatusSkipped {
			continue
		}
		if want := "only namespaces istio-system, shop were listed: forbidden: grant list pods"; task.Status != bundle.StatusTruncated || task.Reason != want {
			t.Errorf("%s is %s: %s; want truncated: %s", task.ID, task.Status, task.Reason, want)
		}
	}
}

// askedBy tells whether a request asks for what a right grants.
func askedBy(x right, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	resource, sub, _ := strings.Cut(x.resource, "/")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	group := ""
	if parts[0] == "apis" && len(parts) > 1 {
		group = parts[1]
	}
	switch {
	case group != x.group:
		return false
	case sub != "":
		return strings.HasSuffix(path, "/"+sub) && strings.Contains(path, "/namespaces/"+x.namespace+"/")
	case x.name != "":
		return strings.HasSuffix(path, "/namespaces/"+x.namespace+"/"+resource+"/"+x.name)
	}
	return strings.HasSuffix(path, "/"+resource)
}

// covers tells whether a task needs a right.
func covers(t *testing.T, x right, key string) bool {
	t.Helper()
	id, _, _ := strings.Cut(key, " ")
	at := slices.IndexFunc(tasks, func(task task) bool { return task.id == id })
	if at < 0 {
		t.Fatalf("%s is in no table", id)
	}
	task := tasks[at]
	switch {
	case task.kind == kindCluster:
		return task.group == x.group && task.name == x.resource
	case task.form == podLog, task.form == podLogOld:
		return x == logRight("istio-system")
	}
	return x == forwardRight("istio-system")
}
