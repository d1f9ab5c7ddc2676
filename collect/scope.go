package collect

import (
	"fmt"
	"slices"
	"strings"
	"sync"

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

// scope is what was asked for, as far as it may be asked: which nodes, namespaces and waypoints.
type scope struct {
	opts   Options
	survey *survey
	rights *rights

	mu sync.Mutex
	// nodes are those whose agents are asked; nil stands for all.
	nodes map[string]bool
}

// keepsPodsOf tells whether pods of a namespace are named in the bundle: those
// that were asked for, and the mesh's own.
func (s *scope) keepsPodsOf(ns string) bool {
	return s.opts.inNamespaces(ns) || slices.Contains(s.survey.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway), ns)
}

// resolve works out which nodes are in scope, once all pods and nodes were seen.
func (s *scope) resolve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.opts.Nodes) == 0 && s.opts.NodeSelector == "" && s.opts.For == "" {
		return nil
	}
	s.nodes = map[string]bool{}
	for _, name := range s.opts.Nodes {
		if _, ok := s.survey.nodes[name]; !ok && len(s.survey.nodes) > 0 {
			return fmt.Errorf("there is no node %q (--node)", name)
		}
		s.nodes[name] = true
	}
	if s.opts.NodeSelector != "" {
		selector, err := labels.Parse(s.opts.NodeSelector)
		if err != nil {
			return fmt.Errorf("read --node-selector: %w", err)
		}
		for name, n := range s.survey.nodes {
			if selector.Matches(labels.Set(n.labels)) {
				s.nodes[name] = true
			}
		}
	}
	if s.opts.For != "" {
		ns, name, _ := strings.Cut(s.opts.For, "/")
		placed := s.survey.placed[workload{ns, name}]
		if len(placed) == 0 {
			return fmt.Errorf("no pod of %s runs on any node (--for)", s.opts.For)
		}
		for name := range placed {
			s.nodes[name] = true
		}
	}
	if len(s.nodes) == 0 {
		return fmt.Errorf("no node matches %q (--node-selector)", s.opts.NodeSelector)
	}
	return nil
}

// widen takes the nodes of a workload's peers into scope, as the metrics of
// its own nodes' ztunnels name them.
func (s *scope) widen(peers []workload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, peer := range peers {
		for node := range s.survey.placed[peer] {
			s.nodes[node] = true
		}
	}
}

// nodesInScope is how many nodes are asked, bounded false where all are.
func (s *scope) nodesInScope() (n int, bounded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.nodes), s.nodes != nil
}

// outOfScope says why a target is not asked, "" where it is.
func (s *scope) outOfScope(t target) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch t.kind {
	case kindZtunnel, kindCNI:
		if s.nodes != nil && !s.nodes[t.node] {
			return scoped + "node " + t.node + " was not asked for"
		}
	case kindWaypoint:
		switch {
		case s.opts.Waypoints == WaypointsLeave:
			return scoped + "waypoints were not asked for (--waypoints=false)"
		case s.nodes != nil && s.opts.For != "" && s.opts.forNamespace() != t.namespace && !s.nodes[t.node],
			!s.opts.inNamespaces(t.namespace):
			return scoped + "waypoints of namespace " + t.namespace + " were not asked for"
		case s.opts.Waypoints == WaypointsAuto && (s.rights.denies(logRight(t.namespace)) || s.rights.denies(forwardRight(t.namespace)) && s.rights.denies(proxyRight(t.namespace))):
			return scoped + "there is no right to ask pods of namespace " + t.namespace + ", where this waypoint runs (--waypoints makes it a gap)"
		}
	}
	return ""
}

// listedIn are the namespaces that a list is asked of, each by itself; ""
// stands for all at once. Pods are always listed everywhere: they tell what
// the mesh is made of.
func (s *scope) listedIn(task task) []string {
	switch {
	case task.form == asUse && task.namespaced:
		return s.survey.namespacesOf(kindIstiod, kindZtunnel)
	case !task.namespaced || len(s.opts.Namespaces) == 0 || task.resource.name == "pods":
		return []string{""}
	}
	out := s.survey.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway)
	out = append(out, s.opts.Namespaces...)
	if ns := s.opts.forNamespace(); ns != "" {
		out = append(out, ns)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// narrowed notes in the manifest that a list holds some namespaces only.
func (c *objectCollector) narrowed(task task) {
	if !task.namespaced || task.form != asList || len(c.opts.Namespaces) == 0 {
		return
	}
	c.bundle.AddTask(bundle.Task{
		ID: task.id, Target: bundle.Target{Kind: kindCluster}, Request: "GET " + task.name + " of other namespaces",
		Status: bundle.StatusSkipped, Started: c.clock.now(),
		Reason: scoped + "only objects of namespaces " + strings.Join(c.opts.Namespaces, ", ") + " and of the mesh's own were asked for (--namespace)",
	})
}

// allowedLists sets what a list is to ask for, without what no right is there for,
// and says which one is lacking.
func (s *scope) allowedLists(task task, l *listed) (lacking string) {
	if task.form != asNamed {
		l.namespaces = s.listable(task)
		return s.lacking(task)
	}
	for _, x := range s.needs(task, target{kind: kindCluster}) {
		if !s.rights.denies(x) {
			l.objects = append(l.objects, named{x.namespace, x.name})
		}
	}
	return s.lacking(task)
}

// named are the ConfigMaps that the mesh's namespaces may hold.
func (s *scope) named(task task) []named {
	namespaces := s.survey.namespacesOf(kindIstiod, kindZtunnel, kindCNI)
	if !slices.Contains(namespaces, cniNamespace) {
		namespaces = append(namespaces, cniNamespace)
	}
	var out []named
	for _, ns := range namespaces {
		for _, name := range task.names {
			if (name == ciliumConfig) == (ns == cniNamespace) {
				out = append(out, named{ns, name})
			}
		}
	}
	return out
}
