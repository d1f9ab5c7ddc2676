package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

// captureFaults are those of how single pods are captured.
func captureFaults() []Fault {
	return []Fault{
		{"iptables-program-failed", "the CNI agent can't program a pod's redirection", showing((*mesh).pickPod, plantUnprogrammed)},
		{"iptables-reconcile-failed", "the CNI agent can't bring an older pod's rules up to date", on((*mesh).pickPod, plantUnreconciled)},
		{"redirection-lost", "the rules in a captured pod are gone", plantRedirectionLost},
		{"wrong-netns", "a pod was paired with another pod's network namespace", plantWrongNetns},
		{"netns-pairing-refused", "the CNI agent finds no network namespace that is the pod's own", on((*mesh).pickPod, plantPairingRefused)},
		{"enrolment-flap", "something takes a pod out of the mesh and puts it back, again and again", on((*mesh).pickPod, plantFlap)},
		{"optout-annotation", "a pod leaves its DNS requests out", on((*mesh).pickPod, plantOptOut)},
		{"sidecar-and-ambient", "a namespace asks for sidecars and for ambient mode", showing((*mesh).pickPod, plantBothModes)},
		{"cni-repair-broken-pod", "a pod started before the CNI agent was ready", showing((*mesh).pickPod, plantBroken)},
		{"ztunnel-leaked-pod", "a ztunnel waits for a pod that was deleted", showing((*mesh).pickPod, plantLeaked)},
		{"proxy-bind-failed", "another process has a port that a pod's proxy needs", onPair((*mesh).pickPeers, plantProxyPending)},
	}
}

// agentSays adds a line of the CNI agent of the pod's node that names the pod.
func (m *mesh) agentSays(p *meshPod, ago time.Duration, level, message string) {
	p.onNode.cni.lines = append(p.onNode.cni.lines, record(m.now.Add(-ago), level, "cni-agent", message, fmt.Sprintf("ns=%s name=%s", p.namespace, p.name)))
}

// uncaptured makes the pod one that stays outside the mesh.
func (p *meshPod) uncaptured() {
	p.annotations = nil
	p.protocol, p.proxy = "TCP", proxyAbsent
}

func plantUnprogrammed(m *mesh, p *meshPod) Subject {
	p.uncaptured()
	m.agentSays(p, 25*time.Minute, "error", fmt.Sprintf("failed to update POD inpod: %s/%s exit status 4: Command error output: xtables other problem: line 2 failed", p.namespace, p.name))
	return p.onNode.cni.pod.subject()
}

func plantUnreconciled(m *mesh, p *meshPod) {
	p.faulty = true
	m.agentSays(p, 25*time.Minute, "error", "failed to reconcile inpod rules for pod")
}

// plantRedirectionLost: what the pod sends bypasses its ztunnel, and what comes over HBONE is not let in.
func plantRedirectionLost(m *mesh, arg string) (Subject, error) {
	p, other, err := m.pickPeersApart(arg)
	if err != nil {
		return Subject{}, err
	}
	p.mute, p.faulty = true, true
	for _, s := range p.services {
		s.foreign = true
	}
	m.calls = append(m.calls, func(at time.Time) {
		if other.mayTake() {
			m.plaintextInbound(p, other, nil, at)
		}
	}, func(at time.Time) {
		a := access{at: at, src: other, srcAddr: m.socket(other), dst: p, mutual: true, flag: "CONNECT", millis: 10002, err: "http status: 503 Service Unavailable",
			hbone: m.appAddress(p), dstAddr: fmt.Sprintf("%s:%d", p.ip(), istio.HBONEPort)}
		other.onNode.ztunnel.note(a)
		(&failure{inbound: "connection failed: deadline has elapsed", theirs: "CONNECT"}).atDestination(m, a, p)
	})
	return p.subject(), nil
}

// mayTake is true for a pod that no policy keeps plain text from.
func (p *meshPod) mayTake() bool { return len(p.bound) == 0 }

func plantWrongNetns(m *mesh, arg string) (Subject, error) {
	p, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	var twin *meshPod
	for _, other := range m.onNode(p.onNode) {
		if other != p && other.captured() && !other.touched() && other.identity() != p.identity() {
			twin = other
		}
	}
	if twin == nil {
		return Subject{}, ErrNoSubject
	}
	dst, err := m.pickCaller(p, nil, p.onNode)
	if err != nil {
		return Subject{}, err
	}
	p.faulty, p.mute = true, true
	m.agentSays(p, 3*time.Hour, "warn", "found more than one netns for the same pod: "+p.uid+", will use oldest process netns")
	m.calls = append(m.calls, func(at time.Time) {
		p.onNode.ztunnel.note(access{at: at, src: p, srcAddr: m.socket(twin), dst: dst, mutual: true, request: 80, response: 210, millis: 3,
			hbone: m.appAddress(dst), dstAddr: fmt.Sprintf("%s:%d", dst.ip(), istio.HBONEPort)})
	})
	return p.subject(), nil
}

func plantPairingRefused(m *mesh, p *meshPod) {
	p.uncaptured()
	m.agentSays(p, 2*time.Hour, "warn", fmt.Sprintf("netns does not contain any IP of pod %s/%s; refusing the pairing, it may belong to another pod", p.namespace, p.name))
}

func plantFlap(m *mesh, p *meshPod) {
	p.faulty = true
	z := p.onNode.ztunnel
	for i := range 6 {
		at := m.now.Add(-25*time.Minute + time.Duration(i)*90*time.Second)
		z.lines = append(z.lines,
			record(at, "info", "inpod::statemanager", "pod delete request, shutting down proxy", fmt.Sprintf("uid=%q", p.uid)),
			record(at.Add(4*time.Second), "info", "inpod::statemanager", "pod received, starting proxy", fmt.Sprintf("uid=%q name=%q namespace=%q", p.uid, p.name, p.namespace)))
	}
}

func plantOptOut(m *mesh, p *meshPod) {
	p.faulty = true
	p.annotations = merged(p.annotations, map[string]string{istio.DNSCaptureAnnotation: "false"})
}

func plantBothModes(m *mesh, p *meshPod) Subject {
	namespace := p.namespace
	m.amend = append(m.amend, func(o stored) {
		if ns, ok := o.object.(*corev1.Namespace); ok && ns.Name == namespace {
			ns.Labels = merged(ns.Labels, map[string]string{istio.InjectionLabel: "enabled"})
		}
	})
	return Subject{Kind: "namespace", Name: namespace}
}

func plantBroken(m *mesh, p *meshPod) Subject {
	young := m.addBeside(p, p.onNode, 0, m.now.Add(-4*time.Minute))
	young.phase, young.ready, young.inIstiod = corev1.PodPending, false, false
	young.container.waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	young.labels[istio.UninitializedLabel] = "true"
	m.extra = append(m.extra, stored{"events", m.event("pod", young.namespace, young.name, "LabelBrokenPod", corev1.EventTypeWarning,
		"pod detected as broken, adding label cni.istio.io/uninitialized=true", m.now.Add(-3*time.Minute).Truncate(time.Second))})
	return young.subject()
}

// plantLeaked: the CNI agent's snapshot holds a pod that was deleted, and ztunnel waits for it.
func plantLeaked(m *mesh, p *meshPod) Subject {
	z := p.onNode.ztunnel
	gone := *p
	gone.name, gone.uid = "batch-29311680-7xkq2", string(stableUID("pods", p.namespace, "leaked"))
	gone.proxy, gone.gone = proxyPending, true
	z.leaked, z.pending = []*meshPod{&gone}, []string{"workload proxy manager"}
	z.began = m.now.Add(-30 * time.Minute)
	z.pod.container.started = z.began.Truncate(time.Second)
	for at := z.began.Add(5 * time.Second); at.Before(m.now); at = at.Add(15 * time.Second) {
		z.lines = append(z.lines, record(at, "info", "inpod::statemanager", "scheduling retry", fmt.Sprintf("uids=[%q]", gone.uid)))
	}
	return Subject{Kind: "pod", Namespace: gone.namespace, Name: gone.name, Node: z.node.name}
}
