package sim

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

func enrolmentFaults() []Fault {
	return []Fault{
		{"pod-enrolled-not-in-ztunnel", "a pod is marked as enrolled, but its node's ztunnel was never given it", onPair((*mesh).pickPeers, plantZombie)},
		{"hbone-refused", "the same, named by what its callers see", onPair((*mesh).pickPeers, plantZombie)},
		{"pod-enrolment-pending", "the CNI agent could not hand a pod over and marked it as pending", onPair((*mesh).pickPeers, plantPending)},
		{"proxy-pending", "a ztunnel can't start the proxy of a pod it was given", onPair((*mesh).pickPeers, plantProxyPending)},
		{"pod-not-enrolled", "a pod in an ambient namespace was never captured", onPair((*mesh).pickPeers, plantNotEnrolled)},
	}
}

func plantZombie(m *mesh, p, src *meshPod) {
	p.proxy, p.mute = proxyAbsent, true
	m.show(src, p)
}

func plantPending(m *mesh, p, src *meshPod) {
	p.annotations = map[string]string{istio.RedirectionAnnotation: "pending"}
	p.protocol, p.proxy = "TCP", proxyAbsent
	p.onNode.cni.lines = append(p.onNode.cni.lines, record(p.created.Add(2*time.Second), "error", "cni-agent",
		"failed to add pod to ztunnel: pod partially added, annotating with pending status", fmt.Sprintf("ns=%s name=%s", p.namespace, p.name)))
	m.show(src, p)
}

func plantNotEnrolled(m *mesh, p, src *meshPod) {
	p.annotations = nil
	p.protocol, p.proxy = "TCP", proxyAbsent
	m.show(src, p)
}

// plantProxyPending: a pod's port is taken, and the node's ztunnel is not ready because of it.
func plantProxyPending(m *mesh, p, src *meshPod) {
	z := p.onNode.ztunnel
	p.proxy, p.mute = proxyPending, true
	z.pending = []string{"workload proxy manager"}
	z.lines = append(z.lines, record(m.started.Add(time.Second), "error", "inpod::statemanager",
		`failed to start proxy: Bind([::]:15008, Os { code: 98, kind: AddrInUse, message: "Address already in use" })`, "uid="+p.uid))
	for i := range 12 {
		at := m.now.Add(-time.Minute + time.Duration(i)*5*time.Second)
		z.lines = append(z.lines,
			record(at, "info", "inpod::statemanager", "scheduling retry", fmt.Sprintf("uids=[%q]", p.uid)),
			record(at.Add(time.Millisecond), "info", "inpod::statemanager", "retrying workload", ""),
			record(at.Add(2*time.Millisecond), "info", "inpod::statemanager",
				"retrying workload failed: failed to bind to address [::]:15008: Address already in use (os error 98)", fmt.Sprintf("uid=%q", p.uid)))
	}
	m.show(src, p)
}
