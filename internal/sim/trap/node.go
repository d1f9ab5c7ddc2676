package trap

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func nodeTraps() []Trap {
	return []Trap{
		{"virtual-nodes", "Fargate, a virtual kubelet and a Windows node, where no DaemonSet of the mesh runs, with a pod of an ambient namespace each", "", layOn(plant.PickPod, layVirtualNodes)},
		{"node-joins", "a node that has just joined: its agents' images are still being pulled", "", layJoiningNode},
		{"node-drains", "a node under drain: cordoned, and its pods are going", "", layDrainingNode},
		{"node-rebooted", "a node rebooted two hours ago: every container on it was lost and started again", "", layRebootedNode},
	}
}

// virtualNodes are told by what their providers put on them.
func virtualNodes(created time.Time) []*corev1.Node {
	fargate := world.NodeModel{Name: "fargate-ip-172-18-9-2", IP: "172.18.9.2", Created: created, Ready: true}.Object()
	fargate.Labels["eks.amazonaws.com/compute-type"] = "fargate"
	fargate.Spec.Taints = []corev1.Taint{{Key: "eks.amazonaws.com/compute-type", Value: "fargate", Effect: corev1.TaintEffectNoSchedule}}
	fargate.Status.NodeInfo.KubeletVersion = "v1.36.3-eks-3abbec1"
	kubelet := world.NodeModel{Name: "virtual-node-aci-linux", IP: "172.18.9.3", Created: created, Ready: true}.Object()
	kubelet.Labels["type"] = "virtual-kubelet"
	kubelet.Spec.Taints = []corev1.Taint{{Key: "virtual-kubelet.io/provider", Value: "azure", Effect: corev1.TaintEffectNoSchedule}}
	windows := world.NodeModel{Name: "win-0", IP: "172.18.9.4", Created: created, Ready: true}.Object()
	windows.Labels["kubernetes.io/os"] = "windows"
	windows.Status.NodeInfo.OperatingSystem = "windows"
	windows.Status.NodeInfo.OSImage = "Windows Server 2025 Datacenter"
	return []*corev1.Node{fargate, kubelet, windows}
}

func layVirtualNodes(m *world.Mesh, p *world.Pod) {
	for i, n := range virtualNodes(m.Started.Truncate(time.Second)) {
		m.Extra = append(m.Extra, world.Stored{Resource: "nodes", Object: n})
		away := &world.Node{NodeModel: world.NodeModel{Name: n.Name, IP: n.Status.Addresses[0].Address, Zone: world.NodeZone(i)}}
		plant.AddBeside(m, p, away, i, m.Started)
	}
}

func layJoiningNode(m *world.Mesh) error {
	m.AddNode(len(m.Nodes))
	n := m.Nodes[len(m.Nodes)-1]
	n.Created = m.Now.Add(-40 * time.Second).Truncate(time.Second)
	n.Taints = []corev1.Taint{{Key: "node.istio.io/not-ready", Effect: corev1.TaintEffectNoSchedule}}
	z := n.Ztunnel
	plant.Drop(m, z)
	z.Empty, z.Pending = true, []string{"state manager", "workload proxy manager"}
	for _, p := range []*world.PodModel{&z.Pod.PodModel, &n.CNI.Pod} {
		p.Created, p.Ready, p.Phase, p.IPs = n.Created, false, corev1.PodPending, nil
		p.Container.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	n.CNI.Pod.IPs = []string{n.IP} // the host's own, known at once
	z.Pod.InIstiod, z.Pod.IPs = false, []string{"10.127.9.250"}
	return nil
}

func layDrainingNode(m *world.Mesh) error {
	n := m.Nodes[len(m.Nodes)-1]
	m.Amend = append(m.Amend, func(o world.Stored) {
		if node, ok := o.Object.(*corev1.Node); ok && node.Name == n.Name {
			node.Spec.Unschedulable = true
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: "node.kubernetes.io/unschedulable", Effect: corev1.TaintEffectNoSchedule})
		}
	})
	for _, p := range m.OnNode(n) {
		if p.Mesh && !p.Native {
			terminate(m, p)
		}
	}
	return nil
}

// terminate makes p a pod that is going: out of its services and out of istiod's view.
func terminate(m *world.Mesh, p *world.Pod) {
	at := m.Now.Add(-5 * time.Second).Truncate(time.Second)
	p.Deleted, p.Ready, p.Mute = &at, false, true
	p.Proxy, p.InIstiod = world.ProxyAbsent, false
}

func layRebootedNode(m *world.Mesh) error {
	n := m.Nodes[0]
	n.BootID = "after"
	at := m.Now.Add(-2 * time.Hour).Truncate(time.Second)
	back := at.Add(90 * time.Second)
	lost := func(c *world.ContainerModel, since time.Time) {
		c.Restarts, c.Started = 1, back
		c.Previous = &corev1.ContainerStateTerminated{Reason: "Unknown", ExitCode: 255, StartedAt: metav1.NewTime(since), FinishedAt: metav1.NewTime(back)}
	}
	for _, p := range m.Pods {
		if p.OnNode == n {
			lost(&p.Container, p.Created)
		}
	}
	lost(&n.CNI.Pod.Container, n.Created)
	n.Ztunnel.Crashed = &world.Crash{Restarts: 1, At: at}
	m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: plant.Event(m, "node", "", n.Name, "Rebooted", corev1.EventTypeWarning,
		fmt.Sprintf("Node %s has been rebooted, boot id: %s", n.Name, world.StableUID("boot", n.Name, n.BootID)), back)})
	return nil
}
