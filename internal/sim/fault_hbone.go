package sim

import (
	"fmt"
	"time"
)

func hboneFaults() []Fault {
	return []Fault{
		{"hbone-503-400-other", "a pod's ztunnel does not know the address that its peers send HBONE to", plantBreaking(func(p *meshPod) *failure {
			return &failure{source: "http status: 400 Bad Request", flag: "CONNECT", inbound: fmt.Sprintf("no service for target address: %s:%d", p.ip(), p.port), theirs: "CONNECT"}
		})},
		{"hbone-h2-failure", "something on the way to a pod breaks HTTP/2", plantBreaking(func(*meshPod) *failure {
			return &failure{source: "h2 failed: connection error detected: frame with invalid size", flag: "H2_HANDSHAKE_FAILURE"}
		})},
		{"hbone-tls-failure", "a pod's ztunnel has no cipher in common with its peers", plantBreaking(func(*meshPod) *failure {
			return &failure{source: "io error: received fatal alert: HandshakeFailure", flag: "CONNECT", early: true,
				inbound: "tls handshake error: Custom { kind: InvalidData, error: PeerIncompatible(NoCipherSuitesInCommon) }"}
		})},
		{"ip-collision-mtls", "connections for one pod are led to another", plantBreaking(func(p *meshPod) *failure {
			return &failure{source: "http status: 400 Bad Request", flag: "CONNECT", inbound: fmt.Sprintf("ip mismatch: %s != %s", p.ip(), "10.255.0.9"), theirs: "CONNECT"}
		})},
		{"connect-failed-upstream", "an application does not listen", plantBreaking(func(*meshPod) *failure {
			return &failure{source: "http status: 503 Service Unavailable", flag: "CONNECT", inbound: "connection failed: Connection refused (os error 111)", theirs: "CONNECT"}
		})},
		{"node-local-hbone-blackhole", "a node does not deliver HBONE between its own pods", plantLocalBlackhole},
		{"hbone-self-call", "an application dials a port of ztunnel", plantSelfCall},
		{"hbone-idle-pings", "HBONE connections of a node are forgotten while they idle", plantIdlePings},
	}
}

// plantBreaking makes every HBONE connection to one pod fail.
func plantBreaking(how func(*meshPod) *failure) planter {
	return func(m *mesh, arg string) (Subject, error) {
		p, src, err := m.pickPeersApart(arg)
		if err != nil {
			return Subject{}, err
		}
		if p.faulty {
			return Subject{}, ErrNoSubject
		}
		f := how(p)
		p.faulty = true
		m.failures = append(m.failures, func(_, dst *meshPod) *failure {
			if dst == p {
				return f
			}
			return nil
		})
		m.calls = append(m.calls, func(at time.Time) { m.callPod(src, p, at) })
		return p.subject(), nil
	}
}

func plantLocalBlackhole(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	n := z.node
	m.failures = append(m.failures, func(src, dst *meshPod) *failure {
		if src.onNode == n && dst.onNode == n {
			return &failure{source: "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed", flag: "NETWORK_POLICY", millis: 10001}
		}
		return nil
	})
	shown := 0
	for _, p := range m.members() {
		if p.onNode != n || len(p.bound) > 0 || shown == 3 {
			continue
		}
		near, err := m.pickCaller(p, n, nil)
		if err != nil {
			continue
		}
		far, err := m.pickCaller(p, nil, n)
		if err != nil {
			continue
		}
		shown++
		m.calls = append(m.calls, func(at time.Time) { m.callPod(near, p, at); m.callPod(far, p, at) })
	}
	if shown < 2 {
		return Subject{}, ErrNoSubject
	}
	return Subject{Kind: "node", Name: n.name}, nil
}

func plantSelfCall(m *mesh, arg string) (Subject, error) {
	p, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	m.calls = append(m.calls, func(at time.Time) {
		p.onNode.ztunnel.note(access{at: at, early: true, src: p, srcAddr: m.socket(p), dstAddr: p.ip() + ":15001", err: "attempted recursive call to ourselves"})
	})
	return p.subject(), nil
}

func plantIdlePings(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	for _, p := range m.onNode(z.node) {
		if !p.captured() {
			continue
		}
		for n := range 15 {
			at := m.now.Add(-55*time.Minute + time.Duration(n)*200*time.Second)
			id := stableUID("trace", p.uid, at.String())
			z.lines = append(z.lines, record(at, "warn", fmt.Sprintf("proxy::h2::client:proxy%s:outbound{id=%x}", span(p), []byte(id)[:16]),
				"HBONE ping timeout/error, peer may have shutdown", ""))
		}
		return z.subject(), nil
	}
	return Subject{}, ErrNoSubject
}
