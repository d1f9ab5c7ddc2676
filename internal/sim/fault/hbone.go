package fault

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func hboneFaults() []Fault {
	return []Fault{
		{"hbone-503-400-other", "a pod's ztunnel does not know the address that its peers send HBONE to", plantBreaking(func(p *world.Pod) *world.Failure {
			return &world.Failure{Source: "http status: 400 Bad Request", Flag: "CONNECT", Inbound: fmt.Sprintf("no service for target address: %s:%d", p.IP(), p.Port), Theirs: "CONNECT"}
		})},
		{"hbone-h2-failure", "something on the way to a pod breaks HTTP/2", plantBreaking(func(*world.Pod) *world.Failure {
			return &world.Failure{Source: "h2 failed: connection error detected: frame with invalid size", Flag: "H2_HANDSHAKE_FAILURE"}
		})},
		{"hbone-tls-failure", "a pod's ztunnel has no cipher in common with its peers", plantBreaking(func(*world.Pod) *world.Failure {
			return &world.Failure{Source: "io error: received fatal alert: HandshakeFailure", Flag: "CONNECT", Early: true,
				Inbound: "tls handshake error: Custom { kind: InvalidData, error: PeerIncompatible(NoCipherSuitesInCommon) }"}
		})},
		{"ip-collision-mtls", "connections for one pod are led to another", plantBreaking(func(p *world.Pod) *world.Failure {
			return &world.Failure{Source: "http status: 400 Bad Request", Flag: "CONNECT", Inbound: fmt.Sprintf("ip mismatch: %s != %s", p.IP(), "10.255.0.9"), Theirs: "CONNECT"}
		})},
		{"connect-failed-upstream", "an application does not listen", plantBreaking(func(*world.Pod) *world.Failure {
			return &world.Failure{Source: "http status: 503 Service Unavailable", Flag: "CONNECT", Inbound: "connection failed: Connection refused (os error 111)", Theirs: "CONNECT"}
		})},
		{"node-local-hbone-blackhole", "a node does not deliver HBONE between its own pods", plantLocalBlackhole},
		{"hbone-self-call", "an application dials a port of ztunnel", plantSelfCall},
		{"hbone-idle-pings", "HBONE connections of a node are forgotten while they idle", plantIdlePings},
	}
}

// plantBreaking makes every HBONE connection to one pod fail.
func plantBreaking(how func(*world.Pod) *world.Failure) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		p, src, err := plant.PickPeersApart(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		if p.Faulty {
			return world.Subject{}, plant.ErrNoSubject
		}
		f := how(p)
		p.Faulty = true
		m.Failures = append(m.Failures, func(_, dst *world.Pod) *world.Failure {
			if dst == p {
				return f
			}
			return nil
		})
		m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(src, p, at) })
		return p.Subject(), nil
	}
}

func plantLocalBlackhole(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	n := z.Node
	m.Failures = append(m.Failures, func(src, dst *world.Pod) *world.Failure {
		if src.OnNode == n && dst.OnNode == n {
			return &world.Failure{Source: "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed", Flag: "NETWORK_POLICY", Millis: 10001}
		}
		return nil
	})
	shown := 0
	for _, p := range m.Members() {
		if p.OnNode != n || len(p.Bound) > 0 || shown == 3 {
			continue
		}
		near, err := plant.PickCaller(m, p, n, nil)
		if err != nil {
			continue
		}
		far, err := plant.PickCaller(m, p, nil, n)
		if err != nil {
			continue
		}
		shown++
		m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(near, p, at); m.CallPod(far, p, at) })
	}
	if shown < 2 {
		return world.Subject{}, plant.ErrNoSubject
	}
	return world.Subject{Kind: "node", Name: n.Name}, nil
}

func plantSelfCall(m *world.Mesh, arg string) (world.Subject, error) {
	p, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	m.Calls = append(m.Calls, func(at time.Time) {
		p.OnNode.Ztunnel.Note(world.Access{At: at, Early: true, Src: p, SrcAddr: m.Socket(p), DstAddr: p.IP() + ":15001", Err: "attempted recursive call to ourselves"})
	})
	return p.Subject(), nil
}

func plantIdlePings(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	for _, p := range m.OnNode(z.Node) {
		if !p.Captured() {
			continue
		}
		for n := range 15 {
			at := m.Now.Add(-55*time.Minute + time.Duration(n)*200*time.Second)
			id := world.StableUID("trace", p.UID, at.String())
			z.Lines = append(z.Lines, world.Record(at, "warn", fmt.Sprintf("proxy::h2::client:proxy%s:outbound{id=%x}", plant.Span(p), []byte(id)[:16]),
				"HBONE ping timeout/error, peer may have shutdown", ""))
		}
		return z.Subject(), nil
	}
	return world.Subject{}, plant.ErrNoSubject
}
