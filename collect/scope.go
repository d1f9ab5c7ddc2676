package collect

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/zbundle/zbundle/bundle"
)

// Waypoints say whether waypoints are asked, which run in the namespaces of applications.
type Waypoints string

// The zero value is WaypointsAuto.
const (
	WaypointsAuto  Waypoints = "auto" // where the rights are there already
	WaypointsTake  Waypoints = "true"
	WaypointsLeave Waypoints = "false"
)

// scoped begins the reason of everything that the scope leaves out.
const scoped = "scope: "

// inNamespaces tells whether the objects of a namespace were asked for.
func (o Options) inNamespaces(ns string) bool {
	return len(o.Namespaces) == 0 || slices.Contains(o.Namespaces, ns) || ns == o.forNamespace()
}

func (o Options) forNamespace() string {
	ns, _, _ := strings.Cut(o.For, "/")
	return ns
}

// keepsPodsOf tells whether pods of a namespace are named in the bundle: those
// that were asked for, and the mesh's own.
func (r *run) keepsPodsOf(ns string) bool {
	return r.opts.inNamespaces(ns) || slices.Contains(r.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway), ns)
}

// settle works out which nodes are in scope, once all pods and nodes were seen.
func (r *run) settle() error {
	if len(r.opts.Nodes) == 0 && r.opts.NodeSelector == "" && r.opts.For == "" {
		return nil
	}
	r.inScope = map[string]bool{}
	for _, name := range r.opts.Nodes {
		if _, ok := r.survey.nodes[name]; !ok && len(r.survey.nodes) > 0 {
			return fmt.Errorf("there is no node %q (--node)", name)
		}
		r.inScope[name] = true
	}
	if r.opts.NodeSelector != "" {
		selector, err := labels.Parse(r.opts.NodeSelector)
		if err != nil {
			return fmt.Errorf("read --node-selector: %w", err)
		}
		for name, n := range r.survey.nodes {
			if selector.Matches(labels.Set(n.labels)) {
				r.inScope[name] = true
			}
		}
	}
	if r.opts.For != "" {
		ns, name, _ := strings.Cut(r.opts.For, "/")
		placed := r.survey.placed[workload{ns, name}]
		if len(placed) == 0 {
			return fmt.Errorf("no pod of %s runs on any node (--for)", r.opts.For)
		}
		for name := range placed {
			r.inScope[name] = true
		}
	}
	if len(r.inScope) == 0 {
		return fmt.Errorf("no node matches %q (--node-selector)", r.opts.NodeSelector)
	}
	return nil
}

// widen takes the nodes of a workload's peers into scope, as the metrics of
// its own nodes' ztunnels name them.
func (r *run) widen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for peer := range r.peers {
		for node := range r.survey.placed[peer] {
			r.inScope[node] = true
		}
	}
}

// outOfScope says why a target is not asked, "" where it is.
func (r *run) outOfScope(t target) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t.kind {
	case kindZtunnel, kindCNI:
		if r.inScope != nil && !r.inScope[t.node] {
			return scoped + "node " + t.node + " was not asked for"
		}
	case kindWaypoint:
		switch {
		case r.opts.Waypoints == WaypointsLeave:
			return scoped + "waypoints were not asked for (--waypoints=false)"
		case r.inScope != nil && r.opts.For != "" && r.opts.forNamespace() != t.namespace && !r.inScope[t.node],
			!r.opts.inNamespaces(t.namespace):
			return scoped + "waypoints of namespace " + t.namespace + " were not asked for"
		case r.opts.Waypoints == WaypointsAuto && (r.denied[logRight(t.namespace)] || r.denied[forwardRight(t.namespace)] && r.denied[proxyRight(t.namespace)]):
			return scoped + "there is no right to ask pods of namespace " + t.namespace + ", where this waypoint runs (--waypoints makes it a gap)"
		}
	}
	return ""
}

// listedIn are the namespaces that a list is asked of, each by itself; ""
// stands for all at once. Pods are always listed everywhere: they tell what
// the mesh is made of.
func (r *run) listedIn(task task) []string {
	switch {
	case task.form == asUse && task.namespaced:
		return r.namespacesOf(kindIstiod, kindZtunnel)
	case !task.namespaced || len(r.opts.Namespaces) == 0 || task.resource.name == "pods":
		return []string{""}
	}
	out := r.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway)
	out = append(out, r.opts.Namespaces...)
	if ns := r.opts.forNamespace(); ns != "" {
		out = append(out, ns)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// narrowed notes in the manifest that a list holds some namespaces only.
func (r *run) narrowed(task task) {
	if !task.namespaced || task.form != asList || len(r.opts.Namespaces) == 0 {
		return
	}
	r.bundle.AddTask(bundle.Task{
		ID: task.id, Target: bundle.Target{Kind: kindCluster}, Request: "GET " + task.name + " of other namespaces",
		Status: bundle.StatusSkipped, Started: r.clock.now(),
		Reason: scoped + "only objects of namespaces " + strings.Join(r.opts.Namespaces, ", ") + " and of the mesh's own were asked for (--namespace)",
	})
}
