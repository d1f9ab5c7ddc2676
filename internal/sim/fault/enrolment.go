package fault

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func enrolmentFaults() []Fault {
	return []Fault{
		{"pod-enrolled-not-in-ztunnel", "a pod is marked as enrolled, but its node's ztunnel was never given it", onPair(plant.PickPeers, plantZombie)},
		{"hbone-refused", "the same, named by what its callers see", onPair(plant.PickPeers, plantZombie)},
		{"pod-enrolment-pending", "the CNI agent could not hand a pod over and marked it as pending", onPair(plant.PickPeers, plantPending)},
		{"proxy-pending", "a ztunnel can't start the proxy of a pod it was given", onPair(plant.PickPeers, plantProxyPending)},
		{"pod-not-enrolled", "a pod in an ambient namespace was never captured", onPair(plant.PickPeers, plantNotEnrolled)},
	}
}

func plantZombie(m *world.Mesh, p, src *world.Pod) {
	p.Proxy, p.Mute = world.ProxyAbsent, true
	plant.Show(m, src, p)
}

func plantPending(m *world.Mesh, p, src *world.Pod) {
	p.Annotations = map[string]string{istio.RedirectionAnnotation: "pending"}
	p.Protocol, p.Proxy = "TCP", world.ProxyAbsent
	p.OnNode.CNI.Lines = append(p.OnNode.CNI.Lines, world.Record(p.Created.Add(2*time.Second), "error", "cni-agent",
		"failed to add pod to ztunnel: pod partially added, annotating with pending status", fmt.Sprintf("ns=%s name=%s", p.Namespace, p.Name)))
	plant.Show(m, src, p)
}

func plantNotEnrolled(m *world.Mesh, p, src *world.Pod) {
	p.Annotations = nil
	p.Protocol, p.Proxy = "TCP", world.ProxyAbsent
	plant.Show(m, src, p)
}

// plantProxyPending: a pod's port is taken, and the node's ztunnel is not ready because of it.
func plantProxyPending(m *world.Mesh, p, src *world.Pod) {
	z := p.OnNode.Ztunnel
	p.Proxy, p.Mute = world.ProxyPending, true
	z.Pending = []string{"workload proxy manager"}
	z.Lines = append(z.Lines, world.Record(m.Started.Add(time.Second), "error", "inpod::statemanager",
		`failed to start proxy: Bind([::]:15008, Os { code: 98, kind: AddrInUse, message: "Address already in use" })`, "uid="+p.UID))
	for i := range 12 {
		at := m.Now.Add(-time.Minute + time.Duration(i)*5*time.Second)
		z.Lines = append(z.Lines,
			world.Record(at, "info", "inpod::statemanager", "scheduling retry", fmt.Sprintf("uids=[%q]", p.UID)),
			world.Record(at.Add(time.Millisecond), "info", "inpod::statemanager", "retrying workload", ""),
			world.Record(at.Add(2*time.Millisecond), "info", "inpod::statemanager",
				"retrying workload failed: failed to bind to address [::]:15008: Address already in use (os error 98)", fmt.Sprintf("uid=%q", p.UID)))
	}
	plant.Show(m, src, p)
}
