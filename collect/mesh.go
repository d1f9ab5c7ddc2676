package collect

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
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
		revision: cmp.Or(p.Labels["istio.io/rev"], env(p, "REVISION")),
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

func classify(p *corev1.Pod) (kind, container string) {
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return "", ""
	}
	gateway := p.Labels["gateway.networking.k8s.io/gateway-name"]
	switch {
	case p.Labels["app"] == "ztunnel-cilium", p.Labels["k8s-app"] == "ztunnel-cilium", p.Labels["app.kubernetes.io/name"] == "ztunnel-cilium":
		return "", "" // Cilium's own, which is not Istio's
	case p.Labels["app"] == "ztunnel", hasArgs(p, "istio-proxy", "proxy", "ztunnel"):
		return kindZtunnel, containerOf(p, "istio-proxy")
	case p.Labels["k8s-app"] == "istio-cni-node", hasContainer(p, "install-cni"):
		return kindCNI, containerOf(p, "install-cni")
	case p.Labels["app"] == "istiod", hasArgs(p, "discovery", "discovery"):
		return kindIstiod, containerOf(p, "discovery")
	case hasArgs(p, "istio-proxy", "proxy", "waypoint"), p.Labels["gateway.istio.io/managed"] == "istio.io-mesh-controller":
		return kindWaypoint, containerOf(p, "istio-proxy")
	case gateway != "" && hasContainer(p, "istio-proxy"), hasArgs(p, "istio-proxy", "proxy", "router"),
		slices.Contains([]string{"ingressgateway", "egressgateway", "eastwestgateway"}, p.Labels["istio"]):
		return kindGateway, containerOf(p, "istio-proxy")
	}
	return "", ""
}

func hasContainer(p *corev1.Pod, name string) bool {
	return slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
}

func hasArgs(p *corev1.Pod, container string, args ...string) bool {
	return slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool {
		return c.Name == container && len(c.Args) >= len(args) && slices.Equal(c.Args[:len(args)], args)
	})
}

// containerOf is the container of that name, else the first.
func containerOf(p *corev1.Pod, name string) string {
	if hasContainer(p, name) || len(p.Spec.Containers) == 0 {
		return name
	}
	return p.Spec.Containers[0].Name
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
