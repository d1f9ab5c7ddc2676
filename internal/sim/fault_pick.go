package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoSubject tells that the world has nothing that a fault could be planted on, or nothing that
// another fault has left for it.
var ErrNoSubject = errors.New("the invented cluster has nothing to plant it on; use more nodes or workloads")

func (p *podModel) subject() Subject {
	return Subject{Kind: "pod", Namespace: p.namespace, Name: p.name, Node: p.node}
}

func (z *ztunnel) subject() Subject { return z.pod.subject() }

func identitySubject(p *meshPod) Subject {
	return Subject{Kind: "identity", Name: p.identity(), Node: p.node}
}

// pickPod is the mesh's pod that arg names as NAMESPACE/NAME, or one of the seed's choice that no
// other fault was planted on: on the node that arg names, or anywhere.
func (m *mesh) pickPod(arg string) (*meshPod, error) {
	anywhere := arg == ""
	known := anywhere || slices.ContainsFunc(m.nodes, func(n *meshNode) bool { return n.name == arg })
	var free []*meshPod
	for _, p := range m.members() {
		if arg == podKey(p.namespace, p.name) || arg == p.name {
			return p, nil
		}
		if (anywhere || arg == p.node) && !p.touched() && !p.onNode.ztunnel.mute() && len(p.onNode.ztunnel.certs) == 0 && len(p.bound) == 0 {
			free = append(free, p)
		}
	}
	if !known {
		return nil, fmt.Errorf("no pod of the mesh is called %q", arg)
	}
	if len(free) == 0 {
		return nil, ErrNoSubject
	}
	return free[m.random.IntN(len(free))], nil
}

// touched is true for a pod that a fault was planted on.
func (p *meshPod) touched() bool {
	return p.mute || p.plainOut || p.shutHBONE || p.protocol != "HBONE" || !p.inIstiod || p.faulty
}

// pickZtunnel is the ztunnel on the node that arg names, or one of the seed's choice.
func (m *mesh) pickZtunnel(arg string) (*ztunnel, error) {
	var free, quiet []*ztunnel
	for _, n := range m.nodes {
		z := n.ztunnel
		if z == nil {
			continue
		}
		if arg == n.name || arg == z.pod.name {
			return z, nil
		}
		if arg == "" && !z.touched() {
			free = append(free, z)
			if !m.planted(n) {
				quiet = append(quiet, z)
			}
		}
	}
	if len(quiet) > 0 {
		free = quiet
	}
	if arg != "" {
		return nil, fmt.Errorf("no node or ztunnel is called %q", arg)
	}
	if len(free) == 0 {
		return nil, ErrNoSubject
	}
	return free[m.random.IntN(len(free))], nil
}

// pickRunning is such a ztunnel that can be asked.
func (m *mesh) pickRunning(arg string) (*ztunnel, error) {
	z, err := m.pickZtunnel(arg)
	if err == nil && !z.answers() {
		return nil, ErrNoSubject
	}
	return z, err
}

func (z *ztunnel) answers() bool { return !z.mute() && !z.waiting && !z.node.dead }

// planted is true for a node with a pod that a fault was planted on.
func (m *mesh) planted(n *meshNode) bool {
	for _, p := range m.onNode(n) {
		if p.mesh && !p.native && p.touched() {
			return true
		}
	}
	return false
}

// mute is true for a ztunnel that tells nobody anything, so that no evidence may hang on it.
func (z *ztunnel) mute() bool { return z.hangs || z.crashed != nil }

func (z *ztunnel) touched() bool {
	return z.hangs || z.faulty || z.crashed != nil || !z.connected || z.rejected != "" || len(z.pending) > 0 ||
		len(z.missing)+len(z.stale)+len(z.certs)+len(z.unknown) > 0
}

// pickCaller is a captured pod that calls dst: on node when it isn't nil, and not on but when that
// isn't nil.
func (m *mesh) pickCaller(dst *meshPod, node, but *meshNode) (*meshPod, error) {
	for _, p := range m.members() {
		if p != dst && !p.touched() && !p.onNode.ztunnel.mute() && (node == nil || p.onNode == node) && (but == nil || p.onNode != but) && p.app != dst.app {
			return p, nil
		}
	}
	return nil, ErrNoSubject
}

// pickPeers is a pod as pickPod picks it, and one that calls it, or that it calls.
func (m *mesh) pickPeers(arg string) (p, peer *meshPod, err error) {
	if p, err = m.pickPod(arg); err != nil {
		return nil, nil, err
	}
	peer, err = m.pickCaller(p, nil, nil)
	return p, peer, err
}

// pickPeersApart are such on two nodes.
func (m *mesh) pickPeersApart(arg string) (p, peer *meshPod, err error) {
	if p, err = m.pickPod(arg); err != nil {
		return nil, nil, err
	}
	peer, err = m.pickCaller(p, nil, p.onNode)
	return p, peer, err
}

// show has src call dst by its service and by its address once the world is served.
func (m *mesh) show(src, dst *meshPod) {
	m.calls = append(m.calls, func(at time.Time) { m.callPod(src, dst, at) })
	if len(dst.services) > 0 {
		s := dst.services[0]
		m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at.Add(500*time.Millisecond)) })
	}
}

// drop takes the ztunnel's connection away from istiod.
func (m *mesh) drop(z *ztunnel) {
	for _, i := range m.istiods {
		i.proxies = allBut(i.proxies, z)
	}
	z.connected = false
}

func (m *mesh) removePod(p *meshPod) {
	m.pods = allBut(m.pods, p)
	for _, s := range p.services {
		s.pods = allBut(s.pods, p)
	}
}

func span(p *meshPod) string { return "{wl=" + strings.Join([]string{p.namespace, p.name}, "/") + "}" }
