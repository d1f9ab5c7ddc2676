package collect

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
)

// Kinds of targets: the API server's objects, and the pods that make up a mesh.
const (
	kindCluster  = layout.Cluster
	kindIstiod   = layout.Istiod
	kindZtunnel  = layout.Ztunnel
	kindCNI      = layout.CNI
	kindWaypoint = layout.Waypoint
	kindGateway  = layout.Gateway
)

// target is one pod of the mesh.
type target struct {
	kind      string
	namespace string
	name      string
	node      string
	revision  string
	container string // the one that serves and logs
	running   bool
	restarted bool
	ready     bool
	memory    int64 // limit of the container in bytes, 0 for none
	// why says what keeps the pod from being asked, where it is not running.
	why string
	// cluster is the folder of its cluster's entries, "" in a bundle of one.
	cluster string
}

func (t target) String() string { return t.kind + " " + t.namespace + "/" + t.name }

func (t target) entry() bundle.Target {
	return bundle.Target{Kind: t.kind, Cluster: t.cluster, Namespace: t.namespace, Name: t.name, Node: t.node}
}

// dir is where the pod's artifacts stand in the bundle.
func (t target) dir() string {
	return path.Join(t.cluster, layout.Pod{Kind: t.kind, Namespace: t.namespace, Node: t.node, Name: t.name}.Dir())
}

// targetOf tells what part of the mesh a pod is, by its labels and by what it
// runs: installations name their namespaces and DaemonSets as they like.
func targetOf(p *corev1.Pod) (target, bool) {
	kind, container := classify(p)
	if kind == "" || p.Spec.NodeName == "" && kind != kindIstiod {
		return target{}, false
	}
	t := target{
		kind: kind, namespace: p.Namespace, name: p.Name, node: p.Spec.NodeName, container: container,
		revision: cmp.Or(p.Labels[istio.RevisionLabel], env(p, istio.RevisionVariable)),
	}
	t.running, t.why = runs(p, container)
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == container {
			t.restarted, t.ready = s.RestartCount > 0, s.Ready
		}
	}
	for _, c := range p.Spec.Containers {
		if limit, ok := c.Resources.Limits[corev1.ResourceMemory]; ok && c.Name == container {
			t.memory = limit.Value()
		}
	}
	return t, true
}

// classify is the kind of target that a pod is, "" for none, and which container of it serves and logs.
func classify(p *corev1.Pod) (kind, container string) {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return "", ""
	}
	known := istio.Pod{Labels: p.Labels, Containers: make([]istio.Container, 0, len(p.Spec.Containers))}
	for _, c := range p.Spec.Containers {
		known.Containers = append(known.Containers, istio.Container{Name: c.Name, Args: c.Args})
	}
	switch component, container := known.Component(); component {
	case istio.Istiod:
		return kindIstiod, container
	case istio.Ztunnel:
		return kindZtunnel, container
	case istio.CNI:
		return kindCNI, container
	case istio.Waypoint:
		return kindWaypoint, container
	case istio.Gateway:
		return kindGateway, container
	}
	return "", ""
}

func env(p *corev1.Pod, name string) string {
	for _, c := range p.Spec.Containers {
		for _, e := range c.Env {
			if e.Name == name {
				return e.Value
			}
		}
	}
	return ""
}

// runs tells whether there is a process to ask. One that is not ready may
// still answer: then it matters most.
func runs(p *corev1.Pod, container string) (bool, string) {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name != container || s.State.Running != nil {
			continue
		}
		if s.State.Waiting != nil {
			return false, "its container waits: " + strings.TrimSuffix(s.State.Waiting.Reason+": "+oneLine(s.State.Waiting.Message, 100), ": ")
		}
		if s.State.Terminated != nil {
			return false, "its container has ended: " + s.State.Terminated.Reason
		}
	}
	if p.Status.Phase != corev1.PodRunning {
		return false, "the pod is " + string(p.Status.Phase)
	}
	return true, ""
}

// discovered lists targets for the manifest, in a fixed order.
func discovered(ts []target) []bundle.Discovered {
	out := make([]bundle.Discovered, 0, len(ts))
	for _, t := range ts {
		out = append(out, bundle.Discovered{Cluster: t.cluster, Kind: t.kind, Namespace: t.namespace, Name: t.name, Node: t.node, Revision: t.revision, Note: t.why})
	}
	slices.SortFunc(out, func(a, b bundle.Discovered) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}
