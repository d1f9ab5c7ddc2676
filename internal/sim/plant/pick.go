package plant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// ErrNoSubject tells that the world has nothing that a fault could be planted on, or nothing that
// another fault has left for it.
var ErrNoSubject = errors.New("the invented cluster has nothing to plant it on; use more nodes or workloads")

// IdentitySubject is the identity of p, on its node.
func IdentitySubject(p *world.Pod) world.Subject {
	return world.Subject{Kind: "identity", Name: p.Identity(), Node: p.Node}
}

// PickPod is the mesh's pod that arg names as NAMESPACE/NAME, or one of the seed's choice that no
// other fault was planted on: on the node that arg names, or anywhere.
func PickPod(m *world.Mesh, arg string) (*world.Pod, error) {
	anywhere := arg == ""
	known := anywhere || slices.ContainsFunc(m.Nodes, func(n *world.Node) bool { return n.Name == arg })
	var free []*world.Pod
	for _, p := range m.Members() {
		if arg == world.PodKey(p.Namespace, p.Name) || arg == p.Name {
			return p, nil
		}
		if (anywhere || arg == p.Node) && !p.Touched() && !p.OnNode.Ztunnel.Mute() && len(p.OnNode.Ztunnel.Certs) == 0 && len(p.Bound) == 0 {
			free = append(free, p)
		}
	}
	if !known {
		return nil, fmt.Errorf("no pod of the mesh is called %q", arg)
	}
	if len(free) == 0 {
		return nil, ErrNoSubject
	}
	return free[m.Random.IntN(len(free))], nil
}

// PickZtunnel is the ztunnel on the node that arg names, or one of the seed's choice.
func PickZtunnel(m *world.Mesh, arg string) (*world.Ztunnel, error) {
	var free, quiet []*world.Ztunnel
	for _, n := range m.Nodes {
		z := n.Ztunnel
		if z == nil {
			continue
		}
		if arg == n.Name || arg == z.Pod.Name {
			return z, nil
		}
		if arg == "" && !z.Touched() {
			free = append(free, z)
			if !planted(m, n) {
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
	return free[m.Random.IntN(len(free))], nil
}

// PickRunning is such a ztunnel that can be asked.
func PickRunning(m *world.Mesh, arg string) (*world.Ztunnel, error) {
	z, err := PickZtunnel(m, arg)
	if err == nil && !z.Answers() {
		return nil, ErrNoSubject
	}
	return z, err
}

// planted is true for a node with a pod that a fault was planted on.
func planted(m *world.Mesh, n *world.Node) bool {
	for _, p := range m.OnNode(n) {
		if p.Mesh && !p.Native && p.Touched() {
			return true
		}
	}
	return false
}

// PickCaller is a captured pod that calls dst: on node when it isn't nil, and not on but when that
// isn't nil.
func PickCaller(m *world.Mesh, dst *world.Pod, node, but *world.Node) (*world.Pod, error) {
	for _, p := range m.Members() {
		if p != dst && !p.Touched() && !p.OnNode.Ztunnel.Mute() && (node == nil || p.OnNode == node) && (but == nil || p.OnNode != but) && p.App != dst.App {
			return p, nil
		}
	}
	return nil, ErrNoSubject
}

// PickPeers is a pod as pickPod picks it, and one that calls it, or that it calls.
func PickPeers(m *world.Mesh, arg string) (p, peer *world.Pod, err error) {
	if p, err = PickPod(m, arg); err != nil {
		return nil, nil, err
	}
	peer, err = PickCaller(m, p, nil, nil)
	return p, peer, err
}

// PickPeersApart are such on two nodes.
func PickPeersApart(m *world.Mesh, arg string) (p, peer *world.Pod, err error) {
	if p, err = PickPod(m, arg); err != nil {
		return nil, nil, err
	}
	peer, err = PickCaller(m, p, nil, p.OnNode)
	return p, peer, err
}

// Show has src call dst by its service and by its address once the world is served.
func Show(m *world.Mesh, src, dst *world.Pod) {
	m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(src, dst, at) })
	if len(dst.Services) > 0 {
		s := dst.Services[0]
		m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at.Add(500*time.Millisecond)) })
	}
}

// Drop takes the ztunnel's connection away from istiod.
func Drop(m *world.Mesh, z *world.Ztunnel) {
	for _, i := range m.Istiods {
		i.Proxies = world.AllBut(i.Proxies, z)
	}
	z.Connected = false
}

// Span is what a ztunnel writes of p before its lines.
func Span(p *world.Pod) string {
	return "{wl=" + strings.Join([]string{p.Namespace, p.Name}, "/") + "}"
}
