package world

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeModel is a node as Kubernetes knows it.
type NodeModel struct {
	Name, IP string
	Zone     string
	Created  time.Time
	Ready    bool
	Taints   []corev1.Taint
	BootID   string
	// ReadySince is when it last became ready or unready, where not at its creation.
	ReadySince time.Time
	Dead       bool // nothing on it can be reached
}

// Object is the Node as Kubernetes serves it.
func (n NodeModel) Object() *corev1.Node {
	labels := map[string]string{
		"kubernetes.io/arch":     "amd64",
		"kubernetes.io/hostname": n.Name,
		"kubernetes.io/os":       "linux",
	}
	if n.Zone != "" {
		labels["topology.kubernetes.io/region"] = n.Zone[:len(n.Zone)-1]
		labels["topology.kubernetes.io/zone"] = n.Zone
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("8"),
		corev1.ResourceMemory: resource.MustParse("32Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels, CreationTimestamp: metav1.NewTime(n.Created)},
		Spec:       corev1.NodeSpec{ProviderID: "zsim://" + n.Name, Taints: n.Taints},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: n.IP},
				{Type: corev1.NodeHostName, Address: n.Name},
			},
			Conditions: []corev1.NodeCondition{{
				Type:               corev1.NodeReady,
				Status:             corev1.ConditionStatus(Choose(n.Ready, string(corev1.ConditionTrue), string(corev1.ConditionUnknown))),
				Reason:             Choose(n.Ready, "KubeletReady", "NodeStatusUnknown"),
				Message:            Choose(n.Ready, "kubelet is posting ready status", "Kubelet stopped posting node status."),
				LastTransitionTime: metav1.NewTime(later(n.ReadySince, n.Created)),
				LastHeartbeatTime:  metav1.NewTime(n.Created),
			}},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion:          KubernetesVersion,
				BootID:                  string(StableUID("boot", n.Name, n.BootID)),
				KernelVersion:           "6.12.48",
				OSImage:                 "Debian GNU/Linux 13 (trixie)",
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				ContainerRuntimeVersion: "containerd://2.1.4",
			},
		},
	}
}

// KubernetesVersion is the version of the API server and of all kubelets.
const KubernetesVersion = "v1.36.3"

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Choose is yes where condition holds, else no.
func Choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
