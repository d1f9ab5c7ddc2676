package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func nodeTraps() []Trap {
	return []Trap{
		{"virtual-nodes", "Fargate, a virtual kubelet and a Windows node, where no DaemonSet of the mesh runs, with a pod of an ambient namespace each", "", layOn((*mesh).pickPod, layVirtualNodes)},
		{"node-joins", "a node that has just joined: its agents' images are still being pulled", "", layJoiningNode},
		{"node-drains", "a node under drain: cordoned, and its pods are going", "", layDrainingNode},
		{"node-rebooted", "a node rebooted two hours ago: every container on it was lost and started again", "", layRebootedNode},
	}
}

// virtualNodes are told by what their providers put on them.
func virtualNodes(created time.Time) []*corev1.Node {
	fargate := nodeModel{name: "fargate-ip-172-18-9-2", ip: "172.18.9.2", created: created, ready: true}.object()
	fargate.Labels["eks.amazonaws.com/compute-type"] = "fargate"
	fargate.Spec.Taints = []corev1.Taint{{Key: "eks.amazonaws.com/compute-type", Value: "fargate", Effect: corev1.TaintEffectNoSchedule}}
	fargate.Status.NodeInfo.KubeletVersion = "v1.36.3-eks-3abbec1"
	kubelet := nodeModel{name: "virtual-node-aci-linux", ip: "172.18.9.3", created: created, ready: true}.object()
	kubelet.Labels["type"] = "virtual-kubelet"
	kubelet.Spec.Taints = []corev1.Taint{{Key: "virtual-kubelet.io/provider", Value: "azure", Effect: corev1.TaintEffectNoSchedule}}
	windows := nodeModel{name: "win-0", ip: "172.18.9.4", created: created, ready: true}.object()
	windows.Labels["kubernetes.io/os"] = "windows"
	windows.Status.NodeInfo.OperatingSystem = "windows"
	windows.Status.NodeInfo.OSImage = "Windows Server 2025 Datacenter"
	return []*corev1.Node{fargate, kubelet, windows}
}

func layVirtualNodes(m *mesh, p *meshPod) {
	for i, n := range virtualNodes(m.started.Truncate(time.Second)) {
		m.extra = append(m.extra, stored{"nodes", n})
		away := &meshNode{nodeModel: nodeModel{name: n.Name, ip: n.Status.Addresses[0].Address, zone: nodeZone(i)}}
		m.addBeside(p, away, i, m.started)
	}
}

// addBeside adds a pod of p's namespace that nobody has captured, with an application of its own.
func (m *mesh) addBeside(p *meshPod, n *meshNode, i int, created time.Time) *meshPod {
	const hash = "6b9c8d5f7d"
	app := "batch"
	name := fmt.Sprintf("%s-%s-%s", app, hash, nameSuffix(p.namespace+app, i+len(m.pods)))
	created = created.Truncate(time.Second)
	other := &meshPod{
		podModel: podModel{
			namespace: p.namespace, name: name, uid: string(stableUID("pods", p.namespace, name)), node: n.name, hostIP: n.ip,
			ips: []string{fmt.Sprintf("10.125.0.%d", len(m.pods)%200+10)}, serviceAccount: app,
			labels:    map[string]string{"app": app, "version": "v1", "pod-template-hash": hash},
			owner:     ownerReference("apps/v1", "ReplicaSet", "replicasets", p.namespace, app+"-"+hash),
			container: containerModel{name: "app", image: "registry.example/" + app + ":v1", started: created},
			ready:     true, created: created,
		},
		app: app, protocol: "TCP", port: 8080, onNode: n, inIstiod: true, mute: true,
	}
	m.pods = append(m.pods, other)
	return other
}

func layJoiningNode(m *mesh) error {
	m.addNode(len(m.nodes))
	n := m.nodes[len(m.nodes)-1]
	n.created = m.now.Add(-40 * time.Second).Truncate(time.Second)
	n.taints = []corev1.Taint{{Key: "node.istio.io/not-ready", Effect: corev1.TaintEffectNoSchedule}}
	z := n.ztunnel
	m.drop(z)
	z.empty, z.pending = true, []string{"state manager", "workload proxy manager"}
	for _, p := range []*podModel{&z.pod.podModel, &n.cni.pod} {
		p.created, p.ready, p.phase, p.ips = n.created, false, corev1.PodPending, nil
		p.container.waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	n.cni.pod.ips = []string{n.ip} // the host's own, known at once
	z.pod.inIstiod, z.pod.ips = false, []string{"10.127.9.250"}
	return nil
}

func layDrainingNode(m *mesh) error {
	n := m.nodes[len(m.nodes)-1]
	m.amend = append(m.amend, func(o stored) {
		if node, ok := o.object.(*corev1.Node); ok && node.Name == n.name {
			node.Spec.Unschedulable = true
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: "node.kubernetes.io/unschedulable", Effect: corev1.TaintEffectNoSchedule})
		}
	})
	for _, p := range m.onNode(n) {
		if p.mesh && !p.native {
			m.terminate(p)
		}
	}
	return nil
}

// terminate makes p a pod that is going: out of its services and out of istiod's view.
func (m *mesh) terminate(p *meshPod) {
	at := m.now.Add(-5 * time.Second).Truncate(time.Second)
	p.deleted, p.ready, p.mute = &at, false, true
	p.proxy, p.inIstiod = proxyAbsent, false
}

func layRebootedNode(m *mesh) error {
	n := m.nodes[0]
	n.bootID = "after"
	at := m.now.Add(-2 * time.Hour).Truncate(time.Second)
	back := at.Add(90 * time.Second)
	lost := func(c *containerModel, since time.Time) {
		c.restarts, c.started = 1, back
		c.previous = &corev1.ContainerStateTerminated{Reason: "Unknown", ExitCode: 255, StartedAt: metav1.NewTime(since), FinishedAt: metav1.NewTime(back)}
	}
	for _, p := range m.pods {
		if p.onNode == n {
			lost(&p.container, p.created)
		}
	}
	lost(&n.cni.pod.container, n.created)
	n.ztunnel.crashed = &crash{restarts: 1, at: at}
	m.extra = append(m.extra, stored{"events", m.event("node", "", n.name, "Rebooted", corev1.EventTypeWarning,
		fmt.Sprintf("Node %s has been rebooted, boot id: %s", n.name, stableUID("boot", n.name, n.bootID)), back)})
	return nil
}

// event is one of Kubernetes' own about an object of kind, at a moment.
func (m *mesh) event(kind, namespace, name, reason, level, message string, at time.Time) *corev1.Event {
	in := choose(namespace == "", "default", namespace)
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: in, Name: fmt.Sprintf("%s.%x", name, stableUID("event", kind, namespace, name, reason)[:8]), CreationTimestamp: metav1.NewTime(at),
		},
		InvolvedObject: corev1.ObjectReference{Kind: eventKinds[kind], Namespace: namespace, Name: name},
		Reason:         reason, Message: message, Type: level, Count: 1,
		FirstTimestamp: metav1.NewTime(at), LastTimestamp: metav1.NewTime(at),
		Source: corev1.EventSource{Component: "kubelet"},
	}
}

var eventKinds = map[string]string{"node": "Node", "pod": "Pod", "daemonset": "DaemonSet"}
