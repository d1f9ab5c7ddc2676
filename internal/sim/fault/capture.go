package fault

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// captureFaults are those of how single pods are captured.
func captureFaults() []Fault {
	return []Fault{
		{"iptables-program-failed", "the CNI agent can't program a pod's redirection", showing(plant.PickPod, plantUnprogrammed)},
		{"iptables-reconcile-failed", "the CNI agent can't bring an older pod's rules up to date", on(plant.PickPod, plantUnreconciled)},
		{"redirection-lost", "the rules in a captured pod are gone", plantRedirectionLost},
		{"wrong-netns", "a pod was paired with another pod's network namespace", plantWrongNetns},
		{"netns-pairing-refused", "the CNI agent finds no network namespace that is the pod's own", on(plant.PickPod, plantPairingRefused)},
		{"enrolment-flap", "something takes a pod out of the mesh and puts it back, again and again", on(plant.PickPod, plantFlap)},
		{"optout-annotation", "a pod leaves its DNS requests out", on(plant.PickPod, plantOptOut)},
		{"sidecar-and-ambient", "a namespace asks for sidecars and for ambient mode", showing(plant.PickPod, plantBothModes)},
		{"cni-repair-broken-pod", "a pod started before the CNI agent was ready", showing(plant.PickPod, plantBroken)},
		{"ztunnel-leaked-pod", "a ztunnel waits for a pod that was deleted", showing(plant.PickPod, plantLeaked)},
		{"proxy-bind-failed", "another process has a port that a pod's proxy needs", onPair(plant.PickPeers, plantProxyPending)},
	}
}

// agentSays adds a line of the CNI agent of the pod's node that names the pod.
func agentSays(m *world.Mesh, p *world.Pod, ago time.Duration, level, message string) {
	p.OnNode.CNI.Lines = append(p.OnNode.CNI.Lines, world.Record(m.Now.Add(-ago), level, "cni-agent", message, fmt.Sprintf("ns=%s name=%s", p.Namespace, p.Name)))
}

// uncaptured makes the pod one that stays outside the mesh.
func uncaptured(p *world.Pod) {
	p.Annotations = nil
	p.Protocol, p.Proxy = "TCP", world.ProxyAbsent
}

func plantUnprogrammed(m *world.Mesh, p *world.Pod) world.Subject {
	uncaptured(p)
	agentSays(m, p, 25*time.Minute, "error", fmt.Sprintf("failed to update POD inpod: %s/%s exit status 4: Command error output: xtables other problem: line 2 failed", p.Namespace, p.Name))
	return p.OnNode.CNI.Pod.Subject()
}

func plantUnreconciled(m *world.Mesh, p *world.Pod) {
	p.Faulty = true
	agentSays(m, p, 25*time.Minute, "error", "failed to reconcile inpod rules for pod")
}

// plantRedirectionLost: what the pod sends bypasses its ztunnel, and what comes over HBONE is not let in.
func plantRedirectionLost(m *world.Mesh, arg string) (world.Subject, error) {
	p, other, err := plant.PickPeersApart(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	p.Mute, p.Faulty = true, true
	for _, s := range p.Services {
		s.Foreign = true
	}
	m.Calls = append(m.Calls, func(at time.Time) {
		if mayTake(other) {
			m.PlaintextInbound(p, other, nil, at)
		}
	}, func(at time.Time) {
		a := world.Access{At: at, Src: other, SrcAddr: m.Socket(other), Dst: p, Mutual: true, Flag: "CONNECT", Millis: 10002, Err: "http status: 503 Service Unavailable",
			HBONE: m.AppAddress(p), DstAddr: fmt.Sprintf("%s:%d", p.IP(), istio.HBONEPort)}
		other.OnNode.Ztunnel.Note(a)
		(&world.Failure{Inbound: "connection failed: deadline has elapsed", Theirs: "CONNECT"}).AtDestination(m, a, p)
	})
	return p.Subject(), nil
}

// mayTake is true for a pod that no policy keeps plain text from.
func mayTake(p *world.Pod) bool { return len(p.Bound) == 0 }

func plantWrongNetns(m *world.Mesh, arg string) (world.Subject, error) {
	p, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	var twin *world.Pod
	for _, other := range m.OnNode(p.OnNode) {
		if other != p && other.Captured() && !other.Touched() && other.Identity() != p.Identity() {
			twin = other
		}
	}
	if twin == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	dst, err := plant.PickCaller(m, p, nil, p.OnNode)
	if err != nil {
		return world.Subject{}, err
	}
	p.Faulty, p.Mute = true, true
	agentSays(m, p, 3*time.Hour, "warn", "found more than one netns for the same pod: "+p.UID+", will use oldest process netns")
	m.Calls = append(m.Calls, func(at time.Time) {
		p.OnNode.Ztunnel.Note(world.Access{At: at, Src: p, SrcAddr: m.Socket(twin), Dst: dst, Mutual: true, Request: 80, Response: 210, Millis: 3,
			HBONE: m.AppAddress(dst), DstAddr: fmt.Sprintf("%s:%d", dst.IP(), istio.HBONEPort)})
	})
	return p.Subject(), nil
}

func plantPairingRefused(m *world.Mesh, p *world.Pod) {
	uncaptured(p)
	agentSays(m, p, 2*time.Hour, "warn", fmt.Sprintf("netns does not contain any IP of pod %s/%s; refusing the pairing, it may belong to another pod", p.Namespace, p.Name))
}

func plantFlap(m *world.Mesh, p *world.Pod) {
	p.Faulty = true
	z := p.OnNode.Ztunnel
	for i := range 6 {
		at := m.Now.Add(-25*time.Minute + time.Duration(i)*90*time.Second)
		z.Lines = append(z.Lines,
			world.Record(at, "info", "inpod::statemanager", "pod delete request, shutting down proxy", fmt.Sprintf("uid=%q", p.UID)),
			world.Record(at.Add(4*time.Second), "info", "inpod::statemanager", "pod received, starting proxy", fmt.Sprintf("uid=%q name=%q namespace=%q", p.UID, p.Name, p.Namespace)))
	}
}

func plantOptOut(m *world.Mesh, p *world.Pod) {
	p.Faulty = true
	p.Annotations = world.Merged(p.Annotations, map[string]string{istio.DNSCaptureAnnotation: "false"})
}

func plantBothModes(m *world.Mesh, p *world.Pod) world.Subject {
	namespace := p.Namespace
	m.Amend = append(m.Amend, func(o world.Stored) {
		if ns, ok := o.Object.(*corev1.Namespace); ok && ns.Name == namespace {
			ns.Labels = world.Merged(ns.Labels, map[string]string{istio.InjectionLabel: "enabled"})
		}
	})
	return world.Subject{Kind: "namespace", Name: namespace}
}

func plantBroken(m *world.Mesh, p *world.Pod) world.Subject {
	young := plant.AddBeside(m, p, p.OnNode, 0, m.Now.Add(-4*time.Minute))
	young.Phase, young.Ready, young.InIstiod = corev1.PodPending, false, false
	young.Container.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	young.Labels[istio.UninitializedLabel] = "true"
	m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: plant.Event(m, "pod", young.Namespace, young.Name, "LabelBrokenPod", corev1.EventTypeWarning,
		"pod detected as broken, adding label cni.istio.io/uninitialized=true", m.Now.Add(-3*time.Minute).Truncate(time.Second))})
	return young.Subject()
}

// plantLeaked: the CNI agent's snapshot holds a pod that was deleted, and ztunnel waits for it.
func plantLeaked(m *world.Mesh, p *world.Pod) world.Subject {
	z := p.OnNode.Ztunnel
	gone := *p
	gone.Name, gone.UID = "batch-29311680-7xkq2", string(world.StableUID("pods", p.Namespace, "leaked"))
	gone.Proxy, gone.Gone = world.ProxyPending, true
	z.Leaked, z.Pending = []*world.Pod{&gone}, []string{"workload proxy manager"}
	z.Began = m.Now.Add(-30 * time.Minute)
	z.Pod.Container.Started = z.Began.Truncate(time.Second)
	for at := z.Began.Add(5 * time.Second); at.Before(m.Now); at = at.Add(15 * time.Second) {
		z.Lines = append(z.Lines, world.Record(at, "info", "inpod::statemanager", "scheduling retry", fmt.Sprintf("uids=[%q]", gone.UID)))
	}
	return world.Subject{Kind: "pod", Namespace: gone.Namespace, Name: gone.Name, Node: z.Node.Name}
}
