package collect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// Summary is what a run came to.
type Summary struct {
	File        string
	Names       string // file with the map of pseudonyms, "" without them
	Bytes       int64  // of the file
	Took        time.Duration
	Complete    bool
	Incomplete  string // why not
	Interrupted bool
	// Found counts the mesh's pods by kind.
	Found map[string]int
	// Cost is what was asked of the API server.
	Cost  bundle.Cost
	Taken int      // tasks that brought what they were to bring
	Gaps  []GapSum // what is missing, by status and reason
	// Advice is what to do about the gaps, or about a mesh that was not found.
	Advice []string
}

// GapSum is tasks that failed for one reason.
type GapSum struct {
	Task    string // id
	Status  bundle.Status
	Reason  string
	Targets []string
}

// summaryOf tells several runs as one.
func summaryOf(runs []*run, file string, size int64, f bundle.Final, took time.Duration) *Summary {
	s := &Summary{
		File: file, Bytes: size, Took: took, Complete: f.Complete, Incomplete: f.Incomplete,
		Interrupted: f.Incomplete == interrupted, Found: map[string]int{}, Cost: f.Cost,
	}
	var tasks []bundle.Task
	noForward := false
	for _, r := range runs {
		noForward = noForward || r.record.lacksForward()
		tasks = append(tasks, r.record.ended()...)
		for _, t := range r.survey.targets {
			s.Found[t.kind]++
		}
	}
	type key struct {
		id     string
		status bundle.Status
		reason string
	}
	by := map[key]*GapSum{}
	for _, t := range tasks {
		if t.Status == bundle.StatusOK {
			s.Taken++
		}
		if t.Status.Complete() {
			continue
		}
		k := key{t.ID, t.Status, t.Reason}
		if t.Target.Name != "" {
			k.reason = strings.ReplaceAll(k.reason, t.Target.Name, "POD")
		}
		g := by[k]
		if g == nil {
			g = &GapSum{Task: t.ID, Status: t.Status, Reason: t.Reason}
			by[k] = g
		}
		g.Targets = append(g.Targets, cmp.Or(t.Target.Name, layout.ClusterName(t.Target.Cluster), "cluster"))
	}
	for _, g := range by {
		s.Gaps = append(s.Gaps, *g)
	}
	slices.SortFunc(s.Gaps, func(a, b GapSum) int { return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Reason, b.Reason)) })
	s.Advice = advice(s, tasks, noForward)
	return s
}

// advice says what to do where the mesh, or the right to read it, is missing.
func advice(s *Summary, tasks []bundle.Task, noForward bool) []string {
	var out []string
	failed := func(id string, status bundle.Status) bool {
		return slices.ContainsFunc(tasks, func(t bundle.Task) bool { return strings.HasPrefix(t.ID, id) && t.Status == status })
	}
	switch {
	case failed(podsTask, bundle.StatusForbidden):
		out = append(out, "Pods can't be listed, so no part of the mesh could be found: grant list on pods in all namespaces, or name with --namespace those where you may list them.")
	case failed(podsTask, bundle.StatusTruncated) && s.Found[kindIstiod]+s.Found[kindZtunnel] == 0:
		out = append(out, "No istiod or ztunnel runs where pods can be listed: name their namespaces with --namespace, or grant list on pods in all.")
	case s.Found[kindIstiod] == 0 && s.Found[kindZtunnel] == 0:
		out = append(out, "No Istio was found in this cluster: no pod looks like istiod or ztunnel. Check the kubeconfig's context.")
	case s.Found[kindZtunnel] == 0:
		out = append(out, "Istio is here, but no ztunnel: this mesh does not run in ambient mode, or the ztunnel DaemonSet has no pods.")
	case s.Found[kindIstiod] == 0:
		out = append(out, "No istiod runs in this cluster: what the control plane would send can't be compared.")
	}
	if noForward {
		out = append(out, "Port-forward is forbidden: grant create on pods/portforward in the namespaces of istiod and ztunnel.")
	}
	if slices.ContainsFunc(tasks, func(t bundle.Task) bool { return t.Status == bundle.StatusForbidden && strings.Contains(t.ID, "/log") }) {
		out = append(out, "Logs are forbidden: grant get on pods/log in the namespaces of istiod, ztunnel and istio-cni.")
	}
	return out
}
