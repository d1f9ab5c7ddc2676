package sim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeModel is a node as Kubernetes knows it.
type nodeModel struct {
	name, ip string
	zone     string
	created  time.Time
	ready    bool
	taints   []corev1.Taint
	bootID   string
	// readySince is when it last became ready or unready, where not at its creation.
	readySince time.Time
	dead       bool // nothing on it can be reached
}

func (n nodeModel) object() *corev1.Node {
	labels := map[string]string{
		"kubernetes.io/arch":     "amd64",
		"kubernetes.io/hostname": n.name,
		"kubernetes.io/os":       "linux",
	}
	if n.zone != "" {
		labels["topology.kubernetes.io/region"] = n.zone[:len(n.zone)-1]
		labels["topology.kubernetes.io/zone"] = n.zone
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("8"),
		corev1.ResourceMemory: resource.MustParse("32Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.name, Labels: labels, CreationTimestamp: metav1.NewTime(n.created)},
		Spec:       corev1.NodeSpec{ProviderID: "zsim://" + n.name, Taints: n.taints},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: n.ip},
				{Type: corev1.NodeHostName, Address: n.name},
			},
			Conditions: []corev1.NodeCondition{{
				Type:               corev1.NodeReady,
				Status:             corev1.ConditionStatus(choose(n.ready, string(corev1.ConditionTrue), string(corev1.ConditionUnknown))),
				Reason:             choose(n.ready, "KubeletReady", "NodeStatusUnknown"),
				Message:            choose(n.ready, "kubelet is posting ready status", "Kubelet stopped posting node status."),
				LastTransitionTime: metav1.NewTime(later(n.readySince, n.created)),
				LastHeartbeatTime:  metav1.NewTime(n.created),
			}},
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion:          kubernetesVersion,
				BootID:                  string(stableUID("boot", n.name, n.bootID)),
				KernelVersion:           "6.12.48",
				OSImage:                 "Debian GNU/Linux 13 (trixie)",
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				ContainerRuntimeVersion: "containerd://2.1.4",
			},
		},
	}
}

// kubernetesVersion is the version of the API server and of all kubelets.
const kubernetesVersion = "v1.36.3"

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
