package world

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

// callsPerPod is how many calls each pod makes within trafficSpan before the world's moment.
const (
	callsPerPod = 8
	TrafficSpan = 20 * time.Minute
)

// MakeTraffic lets every pod call others and books each call where real ztunnels would.
func (m *Mesh) MakeTraffic() {
	var callers []*Pod
	for _, p := range m.Pods {
		if !p.System && !p.Native && !p.Mute {
			callers = append(callers, p)
		}
	}
	for i := range callerTurns(len(callers)) {
		for _, src := range callers {
			at := m.Now.Add(-time.Duration(m.Random.Int64N(int64(TrafficSpan)-int64(time.Minute))) - 30*time.Second)
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
func (m *Mesh) callOne(src *Pod, turn int, at time.Time) {
	for range 8 {
		s := m.Services[m.Random.IntN(len(m.Services))]
		if s.Through != nil || s.Foreign || len(s.Pods) == 0 || s.Pods[0].Native || s.Pods[0].System {
			continue
		}
		dst := s.Pods[m.Random.IntN(len(s.Pods))]
		if dst == src || !src.MayCall(dst) {
			continue
		}
		if turn%4 == 3 {
			m.CallPod(src, dst, at)
		} else {
			m.CallService(src, s, at)
		}
		return
	}
}

// MayCall says whether every ztunnel that knows the policies of dst would let src call it.
func (p *Pod) MayCall(dst *Pod) bool {
	if dst.Strict && (!p.Captured() || p.PlainOut) {
		return false
	}
	for _, policy := range dst.Bound {
		if !p.Captured() || p.PlainOut || !policy.admits(p.Identity()) {
			return false
		}
	}
	return true
}

// permitted says whether policies let src call dst.
func (m *Mesh) permitted(src, dst *Pod) bool {
	bound, admitted := false, false
	for _, p := range dst.Bound {
		if !m.unknownAt(dst, p) {
			bound = true
			admitted = admitted || src.Captured() && !src.PlainOut && p.admits(src.Identity())
		}
	}
	return !bound || admitted
}

func (m *Mesh) unknownAt(dst *Pod, p *Policy) bool {
	return dst.OnNode.Ztunnel != nil && dst.OnNode.Ztunnel.Unknown[p.Key()]
}

// CallService is a call to the service's address.
func (m *Mesh) CallService(src *Pod, s *Service, at time.Time) {
	if !src.Captured() {
		// kube-proxy picks among the ready ones.
		for _, p := range s.Pods {
			if p.Ready {
				m.PlaintextInbound(src, p, s, at)
				return
			}
		}
		return
	}
	z := src.OnNode.Ztunnel
	vip := fmt.Sprintf("%s:%d", s.IPs[0], s.Port)
	if !src.capturedAt(at) || !m.sourceKnown(src, vip, at) {
		return
	}
	via := s
	if s.Through != nil {
		via = s.Through.Service
	}
	endpoints := via.near(src, z.endpoints(via))
	if len(endpoints) == 0 {
		z.Note(Access{At: at, Early: true, Src: src, SrcAddr: m.Socket(src), DstAddr: vip, Err: "no healthy upstream: " + vip})
		return
	}
	if s.Through != nil {
		return
	}
	m.Connect(src, endpoints[m.Random.IntN(len(endpoints))], s, at)
}

// CallPod is a call to the pod's own address.
func (m *Mesh) CallPod(src, dst *Pod, at time.Time) {
	if !src.Captured() {
		m.PlaintextInbound(src, dst, nil, at)
		return
	}
	if src.capturedAt(at) && m.sourceKnown(src, m.AppAddress(dst), at) {
		m.Connect(src, dst, nil, at)
	}
}

// AppAddress is the address that dst's application listens on.
func (m *Mesh) AppAddress(dst *Pod) string { return fmt.Sprintf("%s:%d", dst.IP(), dst.Port) }

// Socket is an address that p calls from, another one each time.
func (m *Mesh) Socket(p *Pod) string { return fmt.Sprintf("%s:%d", p.IP(), p.sourcePort()) }

// sourceKnown refuses the call when the source's ztunnel was never told of its own pod.
func (m *Mesh) sourceKnown(src *Pod, dialled string, at time.Time) bool {
	if src.OnNode.Ztunnel.knows(src) {
		return true
	}
	m.Unknown(src, dialled, at)
	return false
}

// Unknown books a call of a pod that its ztunnel waited for in vain.
func (m *Mesh) Unknown(src *Pod, dialled string, at time.Time) {
	z := src.OnNode.Ztunnel
	who := fmt.Sprintf("%s.%s (%s)", src.ServiceAccount, src.Namespace, src.Name)
	id := StableUID("trace", src.UID, at.String())
	z.Lines = append(z.Lines, Record(at.Add(-time.Millisecond), "warn",
		fmt.Sprintf("state:proxy{wl=%s/%s}:outbound{id=%x}", src.Namespace, src.Name, []byte(id)[:16]),
		fmt.Sprintf("timed out waiting for workload '%s' from xds", who), ""))
	z.Note(Access{At: at, Early: true, Src: src, SrcAddr: m.Socket(src), DstAddr: dialled,
		Err: "failed to fetch information about local workload: " + who})
}

// Connect is the way from a captured source to a chosen pod.
func (m *Mesh) Connect(src, dst *Pod, s *Service, at time.Time) {
	z := src.OnNode.Ztunnel
	request, response := int64(74+m.Random.IntN(8)), int64(130+m.Random.IntN(400))
	a := Access{At: at, Src: src, SrcAddr: m.Socket(src), Dst: dst, Service: s, Request: request, Response: response, Millis: 1 + m.Random.IntN(9)}
	if !z.knows(dst) {
		a.Dst = nil
	}
	if a.Dst == nil || !z.HBONE(dst) || src.PlainOut {
		a.DstAddr = m.AppAddress(dst)
		z.Note(a)
		m.Inbound(a, dst, s)
		return
	}
	a.Mutual, a.DstAddr, a.HBONE = true, fmt.Sprintf("%s:%d", dst.IP(), istio.HBONEPort), m.AppAddress(dst)
	failure := m.handshake(src, dst, at)
	if failure == nil {
		failure = m.authorize(src, dst)
	}
	if failure == nil {
		z.Note(a)
		m.Inbound(a, dst, s)
		return
	}
	a.Request, a.Response, a.Millis, a.Err, a.Flag = 0, 0, failure.Millis, failure.Source, failure.Flag
	z.Note(a)
	failure.AtDestination(m, a, dst)
}

// Inbound books a successful call at the destination, if its ztunnel handles the pod. The line
// comes a little before the source's.
func (m *Mesh) Inbound(a Access, dst *Pod, s *Service) {
	if !dst.capturedAt(a.At) {
		return
	}
	if s == nil && len(dst.Services) > 0 {
		s = dst.Services[0]
	}
	a.At, a.Inbound, a.Dst, a.Service = a.At.Add(-200*time.Microsecond), true, dst, s
	if a.HBONE == "" {
		a.Mutual = false
	} else {
		a.SrcAddr = m.TunnelSocket(a.Src, dst)
	}
	dst.OnNode.Ztunnel.Note(a)
}

// TunnelSocket is the source socket of the pooled HBONE connection between two pods.
func (m *Mesh) TunnelSocket(src, dst *Pod) string {
	id := StableUID("tunnel", src.UID, dst.UID)
	return fmt.Sprintf("%s:%d", src.IP(), 33000+(int(id[0])<<8|int(id[1]))%27000)
}

// PlaintextInbound is a call of a pod that no ztunnel handles: only its destination sees it.
func (m *Mesh) PlaintextInbound(src, dst *Pod, s *Service, at time.Time) {
	if !dst.capturedAt(at) {
		return
	}
	m.Inbound(Access{
		At: at, Src: src, SrcAddr: m.Socket(src), Dst: dst, DstAddr: m.AppAddress(dst),
		Request: 79, Response: 136, Millis: 1 + m.Random.IntN(9),
	}, dst, s)
}

// plantedCalls is how often each call is made that shows a planted fault.
const plantedCalls = 6

// callPlanted makes the calls that show the planted faults, within the last minutes.
func (m *Mesh) callPlanted() {
	for i := range plantedCalls {
		for j, call := range m.Calls {
			call(m.Now.Add(-5*time.Minute + time.Duration(i)*40*time.Second + time.Duration(j)*time.Second))
		}
	}
}
