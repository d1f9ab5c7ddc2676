package mesh

import (
	"slices"

	"github.com/zbundle/zbundle/internal/istio"
)

// joinPods decides for each pod whether it is meant to be in the mesh.
func joinPods(m *Mesh) {
	for _, p := range m.Pods {
		p.Running = p.Phase == "Running" && !p.Deleting
		if p.Node = m.index.nodes[p.NodeName]; p.Node != nil {
			p.Node.Pods = append(p.Node.Pods, p)
		}
		p.Ztunnel = m.index.ztunnels[p.NodeName]
		p.Redirection = p.Annotations[istio.RedirectionAnnotation]
		p.Enrolled = p.Redirection == "enabled"
		p.Identity = m.spiffe(p.Namespace, p.ServiceAccount)
		p.Selected = selected(m, p)
		for _, c := range p.Containers {
			if c.HasLast && c.Restarts > 0 && (c.LastReason == "OOMKilled" || c.LastExitCode != 0) && !lostWithNode(c, p.Node) {
				p.Crashed = c
			}
			if c.StartedSeconds > 0 && (p.StartedSeconds == 0 || c.StartedSeconds < p.StartedSeconds) {
				p.StartedSeconds = c.StartedSeconds
			}
		}
	}
}

// lostWithNode is true of a container whose end a reboot explains. The runtime
// finds such containers dead when it is back, and gives them no reason; the
// kubelet's event about the reboot lives for an hour only.
func lostWithNode(c *Container, n *Node) bool {
	const around = 600 // seconds between a node's going, its return and the kubelet's word of it
	if c.LastReason == "Unknown" && c.LastExitCode == 255 {
		return true
	}
	return n != nil && n.RebootedSeconds > 0 && c.LastEndedSeconds > n.RebootedSeconds-around && c.LastEndedSeconds < n.RebootedSeconds+around
}

// selected follows the default enablement selectors of the istio-cni chart
// (manifests/charts/istio-cni/values.yaml): the pod's label wins over its namespace's.
func selected(m *Mesh, p *Pod) bool {
	if p.HostNetwork || p.Sidecar || p.Component == "ztunnel" || p.Component == "istio-cni" {
		return false
	}
	if slices.Contains(excludedNamespaces(m), p.Namespace) {
		return false
	}
	switch p.Labels[istio.DataplaneModeLabel] {
	case "ambient":
		return true
	case "none":
		return false
	}
	ns := m.index.namespaces[p.Namespace]
	return ns != nil && ns.Ambient
}

// excludedNamespaces are those that the CNI agent never enrols, as its
// ConfigMap says, else the chart's default.
func excludedNamespaces(m *Mesh) []string {
	if v, ok := m.Config["EXCLUDE_NAMESPACES"]; ok {
		return splitList(v)
	}
	return []string{"kube-system"}
}

func splitList(v string) []string {
	var out []string
	start := 0
	for i := 0; i <= len(v); i++ {
		if i == len(v) || v[i] == ',' || v[i] == ' ' {
			if i > start {
				out = append(out, v[start:i])
			}
			start = i + 1
		}
	}
	return out
}
