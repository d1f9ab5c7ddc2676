package sim

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

func peerTraps() []Trap {
	return []Trap{
		{"callers-outside-mesh", "callers that no ztunnel knows reach captured pods in plain text, and a policy turns one of them away", "notice", layOutsiders},
		{"fed-by-load-balancer", "a captured pod whose only traffic comes from a load balancer", "", layLoadBalanced},
		{"long-lived-connections", "few connections that live for hours, spread unevenly over a service's pods", "", layLongLived},
		{"app-starts-after-proxy", "calls that were refused while an application of seconds ago came up", "", layLateApplication},
		{"pod-deleted-under-load", "connections that were cut when a pod was deleted", "", layOnPair((*mesh).pickPeersApart, layDeletedUnderLoad)},
		{"ztunnel-restarted", "a ztunnel restarted minutes ago, and its peers were refused until it was back", "hint", layOnPair((*mesh).pickPeersApart, layRestart)},
		{"impatient-clients", "clients that hang up and servers that reset", "hint", layOnPair((*mesh).pickPeers, layImpatient)},
	}
}

// outsider is an address that neither Kubernetes nor istiod knows.
const outsider = "203.0.113.44"

// fromOutside books a connection of a caller that no plane knows.
func (m *mesh) fromOutside(dst *meshPod, address, failure string, at time.Time) {
	a := access{
		at: at, inbound: true, srcAddr: fmt.Sprintf("%s:%d", address, 40000+m.random.IntN(20000)), dst: dst, dstAddr: m.appAddress(dst),
		request: 210, response: 1800, millis: 4,
	}
	if len(dst.services) > 0 {
		a.service = dst.services[0]
	}
	if failure != "" {
		a.err, a.flag, a.request, a.response, a.millis = failure, "DENY", 0, 0, 0
	}
	dst.onNode.ztunnel.note(a)
}

func layOutsiders(m *mesh) error {
	open, err := m.pickPod("")
	if err != nil {
		return err
	}
	m.calls = append(m.calls, func(at time.Time) { m.fromOutside(open, outsider, "", at) })
	for _, p := range m.members() {
		if len(p.bound) > 0 {
			m.calls = append(m.calls, func(at time.Time) {
				m.fromOutside(p, outsider, "connection closed due to policy rejection: allow policies exist, but none allowed", at)
			})
			return nil
		}
	}
	return ErrNoSubject
}

func layLoadBalanced(m *mesh) error {
	p, err := m.pickPod("")
	if err != nil {
		return err
	}
	p.mute = true
	m.withdraw(p)
	s := m.addService(p.namespace, p.app+"-public", p.app+"-public", 80, p.port)
	p.labels["public"] = "true"
	s.selector = map[string]string{"public": "true"}
	m.join(s, p)
	s.foreign = true
	m.calls = append(m.calls, func(at time.Time) { m.fromOutside(p, outsider, "", at) })
	return nil
}

// withdraw takes p out of all its services.
func (m *mesh) withdraw(p *meshPod) {
	for _, s := range p.services {
		s.pods = allBut(s.pods, p)
	}
	p.services = nil
}

func layLongLived(m *mesh) error {
	src, err := m.pickPod("")
	if err != nil {
		return err
	}
	for _, s := range m.services {
		if len(s.pods) != podsPerApp || s.through != nil || !s.pods[0].mesh || s.pods[0].app == src.app || !src.mayCall(s.pods[0]) {
			continue
		}
		begun := m.now.Add(-6 * time.Hour)
		m.after = append(m.after, func() {
			for range 7 {
				a := access{at: begun.Add(5 * time.Hour), src: src, srcAddr: m.socket(src), dst: s.pods[0], service: s, request: 48 << 20, response: 310 << 20, millis: 5 * 3600 * 1000}
				if src.onNode.ztunnel.hbone(s.pods[0]) {
					a.mutual, a.dstAddr, a.hbone = true, fmt.Sprintf("%s:%d", s.pods[0].ip(), istio.HBONEPort), m.appAddress(s.pods[0])
				}
				src.onNode.ztunnel.note(a)
				m.inbound(a, s.pods[0], s)
			}
		})
		return nil
	}
	return ErrNoSubject
}

func layLateApplication(m *mesh) error {
	src, dst, err := m.pickPeers("")
	if err != nil {
		return err
	}
	dst.created = m.now.Add(-4 * time.Minute).Truncate(time.Second)
	dst.container.started = dst.created
	m.after = append(m.after, func() {
		for i := range 3 {
			at := dst.created.Add(time.Duration(i+1) * 700 * time.Millisecond)
			m.failed(src, dst, at, "http status: 503 Service Unavailable", "CONNECT", "connection failed: Connection refused (os error 111)", "CONNECT")
		}
	})
	return nil
}

// failed books one call over HBONE that failed at both ends.
func (m *mesh) failed(src, dst *meshPod, at time.Time, source, sourceFlag, destination, destinationFlag string) {
	a := access{
		at: at, src: src, srcAddr: m.socket(src), dst: dst, dstAddr: fmt.Sprintf("%s:%d", dst.ip(), istio.HBONEPort), hbone: m.appAddress(dst),
		mutual: true, err: source, flag: sourceFlag,
	}
	src.onNode.ztunnel.note(a)
	if destination == "" {
		return
	}
	a.at, a.inbound, a.srcAddr, a.err, a.flag = at.Add(-200*time.Microsecond), true, m.tunnelSocket(src, dst), destination, destinationFlag
	dst.onNode.ztunnel.note(a)
}

func layDeletedUnderLoad(m *mesh, src, dst *meshPod) {
	at := m.now.Add(-3 * time.Minute)
	z, y := src.onNode.ztunnel, dst.onNode.ztunnel
	y.lines = append(y.lines, record(at, "info", "inpod::statemanager", "pod delete request, shutting down proxy", fmt.Sprintf("uid=%q", dst.uid)))
	z.lines = append(z.lines, record(at.Add(time.Millisecond), "error",
		fmt.Sprintf("proxy::h2::client:proxy%s:outbound{id=%x}", span(src), []byte(stableUID("trace", dst.uid))[:16]),
		`Error in HBONE connection handshake: Error { kind: Io(Custom { kind: UnexpectedEof, error: "peer closed connection without sending TLS close_notify: `+
			`https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof" }) }`, ""))
	m.removePod(dst)
	dst.gone, dst.proxy = true, proxyAbsent
}

func layRestart(m *mesh, dst, src *meshPod) {
	z := dst.onNode.ztunnel
	at := m.now.Add(-4 * time.Minute)
	m.after = append(m.after, func() {
		for i := range 3 {
			m.failed(src, dst, at.Add(time.Duration(i)*500*time.Millisecond), "io error: Connection refused (os error 111)", "CONNECT", "", "")
		}
		z.began = at.Add(2 * time.Second)
		z.pod.created = z.began.Truncate(time.Second)
		z.pod.container.started = z.pod.created
		var kept []logLine
		for _, l := range z.lines {
			if l.at.After(z.began.Add(time.Second)) {
				kept = append(kept, l)
			}
		}
		z.lines = kept
		m.call(src, dst)
	})
}

// call is one that succeeds just before the world's moment.
func (m *mesh) call(src, dst *meshPod) { m.callPod(src, dst, m.now.Add(-30*time.Second)) }

func layImpatient(m *mesh, src, dst *meshPod) {
	m.calls = append(m.calls, func(at time.Time) {
		m.failed(src, dst, at, "client disconnected before all data was written", "-", "destination disconnected before all data was written", "-")
	})
}
