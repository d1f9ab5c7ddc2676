package trap

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func peerTraps() []Trap {
	return []Trap{
		{"callers-outside-mesh", "callers that no ztunnel knows reach captured pods in plain text, and a policy turns one of them away", "notice", layOutsiders},
		{"fed-by-load-balancer", "a captured pod whose only traffic comes from a load balancer", "", layLoadBalanced},
		{"long-lived-connections", "few connections that live for hours, spread unevenly over a service's pods", "", layLongLived},
		{"app-starts-after-proxy", "calls that were refused while an application of seconds ago came up", "", layLateApplication},
		{"pod-deleted-under-load", "connections that were cut when a pod was deleted", "", layOnPair(plant.PickPeersApart, layDeletedUnderLoad)},
		{"ztunnel-restarted", "a ztunnel restarted minutes ago, and its peers were refused until it was back", "hint", layOnPair(plant.PickPeersApart, layRestart)},
		{"impatient-clients", "clients that hang up and servers that reset", "hint", layOnPair(plant.PickPeers, layImpatient)},
	}
}

func layOutsiders(m *world.Mesh) error {
	open, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	m.Calls = append(m.Calls, func(at time.Time) { plant.FromOutside(m, open, plant.Outsider, "", at) })
	for _, p := range m.Members() {
		if len(p.Bound) > 0 {
			m.Calls = append(m.Calls, func(at time.Time) {
				plant.FromOutside(m, p, plant.Outsider, "connection closed due to policy rejection: allow policies exist, but none allowed", at)
			})
			return nil
		}
	}
	return plant.ErrNoSubject
}

func layLoadBalanced(m *world.Mesh) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	p.Mute = true
	withdraw(m, p)
	s := m.AddService(p.Namespace, p.App+"-public", p.App+"-public", 80, p.Port)
	p.Labels["public"] = "true"
	s.Selector = map[string]string{"public": "true"}
	m.Join(s, p)
	s.Foreign = true
	m.Calls = append(m.Calls, func(at time.Time) { plant.FromOutside(m, p, plant.Outsider, "", at) })
	return nil
}

// withdraw takes p out of all its services.
func withdraw(m *world.Mesh, p *world.Pod) {
	for _, s := range p.Services {
		s.Pods = world.AllBut(s.Pods, p)
	}
	p.Services = nil
}

func layLongLived(m *world.Mesh) error {
	src, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	for _, s := range m.Services {
		if len(s.Pods) != world.PodsPerApp || s.Through != nil || !s.Pods[0].Mesh || s.Pods[0].App == src.App || !src.MayCall(s.Pods[0]) {
			continue
		}
		begun := m.Now.Add(-6 * time.Hour)
		m.After = append(m.After, func() {
			for range 7 {
				a := world.Access{At: begun.Add(5 * time.Hour), Src: src, SrcAddr: m.Socket(src), Dst: s.Pods[0], Service: s, Request: 48 << 20, Response: 310 << 20, Millis: 5 * 3600 * 1000}
				if src.OnNode.Ztunnel.HBONE(s.Pods[0]) {
					a.Mutual, a.DstAddr, a.HBONE = true, fmt.Sprintf("%s:%d", s.Pods[0].IP(), istio.HBONEPort), m.AppAddress(s.Pods[0])
				}
				src.OnNode.Ztunnel.Note(a)
				m.Inbound(a, s.Pods[0], s)
			}
		})
		return nil
	}
	return plant.ErrNoSubject
}

func layLateApplication(m *world.Mesh) error {
	src, dst, err := plant.PickPeers(m, "")
	if err != nil {
		return err
	}
	dst.Created = m.Now.Add(-4 * time.Minute).Truncate(time.Second)
	dst.Container.Started = dst.Created
	m.After = append(m.After, func() {
		for i := range 3 {
			at := dst.Created.Add(time.Duration(i+1) * 700 * time.Millisecond)
			failed(m, src, dst, at, "http status: 503 Service Unavailable", "CONNECT", "connection failed: Connection refused (os error 111)", "CONNECT")
		}
	})
	return nil
}

// failed books one call over HBONE that failed at both ends.
func failed(m *world.Mesh, src, dst *world.Pod, at time.Time, source, sourceFlag, destination, destinationFlag string) {
	a := world.Access{
		At: at, Src: src, SrcAddr: m.Socket(src), Dst: dst, DstAddr: fmt.Sprintf("%s:%d", dst.IP(), istio.HBONEPort), HBONE: m.AppAddress(dst),
		Mutual: true, Err: source, Flag: sourceFlag,
	}
	src.OnNode.Ztunnel.Note(a)
	if destination == "" {
		return
	}
	a.At, a.Inbound, a.SrcAddr, a.Err, a.Flag = at.Add(-200*time.Microsecond), true, m.TunnelSocket(src, dst), destination, destinationFlag
	dst.OnNode.Ztunnel.Note(a)
}

func layDeletedUnderLoad(m *world.Mesh, src, dst *world.Pod) {
	at := m.Now.Add(-3 * time.Minute)
	z, y := src.OnNode.Ztunnel, dst.OnNode.Ztunnel
	y.Lines = append(y.Lines, world.Record(at, "info", "inpod::statemanager", "pod delete request, shutting down proxy", fmt.Sprintf("uid=%q", dst.UID)))
	z.Lines = append(z.Lines, world.Record(at.Add(time.Millisecond), "error",
		fmt.Sprintf("proxy::h2::client:proxy%s:outbound{id=%x}", plant.Span(src), []byte(world.StableUID("trace", dst.UID))[:16]),
		`Error in HBONE connection handshake: Error { kind: Io(Custom { kind: UnexpectedEof, error: "peer closed connection without sending TLS close_notify: `+
			`https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof" }) }`, ""))
	m.RemovePod(dst)
	dst.Gone, dst.Proxy = true, world.ProxyAbsent
}

func layRestart(m *world.Mesh, dst, src *world.Pod) {
	z := dst.OnNode.Ztunnel
	at := m.Now.Add(-4 * time.Minute)
	m.After = append(m.After, func() {
		for i := range 3 {
			failed(m, src, dst, at.Add(time.Duration(i)*500*time.Millisecond), "io error: Connection refused (os error 111)", "CONNECT", "", "")
		}
		z.Began = at.Add(2 * time.Second)
		z.Pod.Created = z.Began.Truncate(time.Second)
		z.Pod.Container.Started = z.Pod.Created
		var kept []world.LogLine
		for _, l := range z.Lines {
			if l.At.After(z.Began.Add(time.Second)) {
				kept = append(kept, l)
			}
		}
		z.Lines = kept
		call(m, src, dst)
	})
}

// call is one that succeeds just before the world's moment.
func call(m *world.Mesh, src, dst *world.Pod) { m.CallPod(src, dst, m.Now.Add(-30*time.Second)) }

func layImpatient(m *world.Mesh, src, dst *world.Pod) {
	m.Calls = append(m.Calls, func(at time.Time) {
		failed(m, src, dst, at, "client disconnected before all data was written", "-", "destination disconnected before all data was written", "-")
	})
}
