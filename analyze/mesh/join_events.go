package mesh

import (
	"regexp"
	"slices"
	"strings"
)

// joinEvents ties events to the mesh's DaemonSets, and counts the failed probes that the kubelet told of.
func joinEvents(m *Mesh) {
	for _, e := range m.Events {
		for _, d := range m.DaemonSets {
			if e.Kind == "DaemonSet" && e.Namespace == d.Namespace && e.Name == d.Name {
				e.DaemonSet = d
			}
		}
		if e.Kind != "Pod" || e.Reason != "Unhealthy" {
			continue
		}
		if p := m.index.podByName[e.Namespace+"/"+e.Name]; p != nil {
			p.ProbeFailures += max(1, e.Count)
			if n := m.index.nodes[p.NodeName]; n != nil {
				n.probedFrom(e.Message)
			}
		}
	}
}

// probeSource finds the kubelet's own end in the error of a probe whose
// connection was cut, as net/http words it.
var probeSource = regexp.MustCompile(`read tcp (\S+):\d+->`)

// probedFrom keeps the address that a failed probe came from.
func (n *Node) probedFrom(message string) {
	found := probeSource.FindStringSubmatch(message)
	if found == nil {
		return
	}
	if address := strings.Trim(found[1], "[]"); !slices.Contains(n.ProbeAddresses, address) {
		n.ProbeAddresses = append(n.ProbeAddresses, address)
	}
}

// joinReboots dates the reboots that events tell of.
func joinReboots(m *Mesh) {
	for _, e := range m.Events {
		if n := m.index.nodes[e.Name]; n != nil && e.Kind == "Node" && e.Reason == "Rebooted" && (n.RebootedSeconds == 0 || e.AgeSeconds < n.RebootedSeconds) {
			n.RebootedSeconds = e.AgeSeconds
		}
	}
}
