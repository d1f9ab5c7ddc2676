package sim

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

// callsPerPod is how many calls each pod makes within trafficSpan before the world's moment.
const (
	callsPerPod = 8
	trafficSpan = 20 * time.Minute
)

// makeTraffic lets every pod call others and books each call where real ztunnels would.
func (m *mesh) makeTraffic() {
	var callers []*meshPod
	for _, p := range m.pods {
		if !p.system && !p.native && !p.mute {
			callers = append(callers, p)
		}
	}
	for i := range callerTurns(len(callers)) {
		for _, src := range callers {
			at := m.now.Add(-time.Duration(m.random.Int64N(int64(trafficSpan)-int64(time.Minute))) - 30*time.Second)
			m.callOne(src, i, at)
		}
	}
	m.callPlanted()
}

// callerTurns bounds the traffic of large worlds.
func callerTurns(callers int) int {
	if callers > 5000 {
		return 2
	}
	return callsPerPod
}

// callOne lets src call a service that it may call; every fourth call is by pod address.
func (m *mesh) callOne(src *meshPod, turn int, at time.Time) {
	for range 8 {
		s := m.services[m.random.IntN(len(m.services))]
		if s.through != nil || s.foreign || len(s.pods) == 0 || s.pods[0].native || s.pods[0].system {
			continue
		}
		dst := s.pods[m.random.IntN(len(s.pods))]
		if dst == src || !src.mayCall(dst) {
			continue
		}
		if turn%4 == 3 {
			m.callPod(src, dst, at)
		} else {
			m.callService(src, s, at)
		}
		return
	}
}

// mayCall says whether every ztunnel that knows the policies of dst would let src call it.
func (p *meshPod) mayCall(dst *meshPod) bool {
	if dst.strict && (!p.captured() || p.plainOut) {
		return false
	}
	for _, policy := range dst.bound {
		if !p.captured() || p.plainOut || !policy.admits(p.identity()) {
			return false
		}
	}
	return true
}

// permitted says whether policies let src call dst.
func (m *mesh) permitted(src, dst *meshPod) bool {
	bound, admitted := false, false
	for _, p := range dst.bound {
		if !m.unknownAt(dst, p) {
			bound = true
			admitted = admitted || src.captured() && !src.plainOut && p.admits(src.identity())
		}
	}
	return !bound || admitted
}

func (m *mesh) unknownAt(dst *meshPod, p *meshPolicy) bool {
	return dst.onNode.ztunnel != nil && dst.onNode.ztunnel.unknown[p.key()]
}

// callService is a call to the service's address.
func (m *mesh) callService(src *meshPod, s *meshService, at time.Time) {
	if !src.captured() {
		// kube-proxy picks among the ready ones.
		for _, p := range s.pods {
			if p.ready {
				m.plaintextInbound(src, p, s, at)
				return
			}
		}
		return
	}
	z := src.onNode.ztunnel
	vip := fmt.Sprintf("%s:%d", s.ips[0], s.port)
	if !src.capturedAt(at) || !m.sourceKnown(src, vip, at) {
		return
	}
	via := s
	if s.through != nil {
		via = s.through.service
	}
	endpoints := via.near(src, z.endpoints(via))
	if len(endpoints) == 0 {
		z.note(access{at: at, early: true, src: src, srcAddr: m.socket(src), dstAddr: vip, err: "no healthy upstream: " + vip})
		return
	}
	if s.through != nil {
		return
	}
	m.connect(src, endpoints[m.random.IntN(len(endpoints))], s, at)
}

// callPod is a call to the pod's own address.
func (m *mesh) callPod(src, dst *meshPod, at time.Time) {
	if !src.captured() {
		m.plaintextInbound(src, dst, nil, at)
		return
	}
	if src.capturedAt(at) && m.sourceKnown(src, m.appAddress(dst), at) {
		m.connect(src, dst, nil, at)
	}
}

func (m *mesh) appAddress(dst *meshPod) string { return fmt.Sprintf("%s:%d", dst.ip(), dst.port) }

func (m *mesh) socket(p *meshPod) string { return fmt.Sprintf("%s:%d", p.ip(), p.sourcePort()) }

// sourceKnown refuses the call when the source's ztunnel was never told of its own pod.
func (m *mesh) sourceKnown(src *meshPod, dialled string, at time.Time) bool {
	if src.onNode.ztunnel.knows(src) {
		return true
	}
	m.unknown(src, dialled, at)
	return false
}

// unknown books a call of a pod that its ztunnel waited for in vain.
func (m *mesh) unknown(src *meshPod, dialled string, at time.Time) {
	z := src.onNode.ztunnel
	who := fmt.Sprintf("%s.%s (%s)", src.serviceAccount, src.namespace, src.name)
	id := stableUID("trace", src.uid, at.String())
	z.lines = append(z.lines, record(at.Add(-time.Millisecond), "warn",
		fmt.Sprintf("state:proxy{wl=%s/%s}:outbound{id=%x}", src.namespace, src.name, []byte(id)[:16]),
		fmt.Sprintf("timed out waiting for workload '%s' from xds", who), ""))
	z.note(access{at: at, early: true, src: src, srcAddr: m.socket(src), dstAddr: dialled,
		err: "failed to fetch information about local workload: " + who})
}

// connect is the way from a captured source to a chosen pod.
func (m *mesh) connect(src, dst *meshPod, s *meshService, at time.Time) {
	z := src.onNode.ztunnel
	request, response := int64(74+m.random.IntN(8)), int64(130+m.random.IntN(400))
	a := access{at: at, src: src, srcAddr: m.socket(src), dst: dst, service: s, request: request, response: response, millis: 1 + m.random.IntN(9)}
	if !z.knows(dst) {
		a.dst = nil
	}
	if a.dst == nil || !z.hbone(dst) || src.plainOut {
		a.dstAddr = m.appAddress(dst)
		z.note(a)
		m.inbound(a, dst, s)
		return
	}
	a.mutual, a.dstAddr, a.hbone = true, fmt.Sprintf("%s:%d", dst.ip(), istio.HBONEPort), m.appAddress(dst)
	failure := m.handshake(src, dst, at)
	if failure == nil {
		failure = m.authorize(src, dst)
	}
	if failure == nil {
		z.note(a)
		m.inbound(a, dst, s)
		return
	}
	a.request, a.response, a.millis, a.err, a.flag = 0, 0, failure.millis, failure.source, failure.flag
	z.note(a)
	failure.atDestination(m, a, dst)
}

// inbound books a successful call at the destination, if its ztunnel handles the pod. The line
// comes a little before the source's.
func (m *mesh) inbound(a access, dst *meshPod, s *meshService) {
	if !dst.capturedAt(a.at) {
		return
	}
	if s == nil && len(dst.services) > 0 {
		s = dst.services[0]
	}
	a.at, a.inbound, a.dst, a.service = a.at.Add(-200*time.Microsecond), true, dst, s
	if a.hbone == "" {
		a.mutual = false
	} else {
		a.srcAddr = m.tunnelSocket(a.src, dst)
	}
	dst.onNode.ztunnel.note(a)
}

// tunnelSocket is the source socket of the pooled HBONE connection between two pods.
func (m *mesh) tunnelSocket(src, dst *meshPod) string {
	id := stableUID("tunnel", src.uid, dst.uid)
	return fmt.Sprintf("%s:%d", src.ip(), 33000+(int(id[0])<<8|int(id[1]))%27000)
}

// plaintextInbound is a call of a pod that no ztunnel handles: only its destination sees it.
func (m *mesh) plaintextInbound(src, dst *meshPod, s *meshService, at time.Time) {
	if !dst.capturedAt(at) {
		return
	}
	m.inbound(access{
		at: at, src: src, srcAddr: m.socket(src), dst: dst, dstAddr: m.appAddress(dst),
		request: 79, response: 136, millis: 1 + m.random.IntN(9),
	}, dst, s)
}

// plantedCalls is how often each call is made that shows a planted fault.
const plantedCalls = 6

// callPlanted makes the calls that show the planted faults, within the last minutes.
func (m *mesh) callPlanted() {
	for i := range plantedCalls {
		for j, call := range m.calls {
			call(m.now.Add(-5*time.Minute + time.Duration(i)*40*time.Second + time.Duration(j)*time.Second))
		}
	}
}
