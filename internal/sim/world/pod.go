package world

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// PodModel is a pod as Kubernetes knows it.
type PodModel struct {
	Namespace, Name, UID string
	Node, HostIP         string
	IPs                  []string
	ServiceAccount       string
	Labels, Annotations  map[string]string
	HostNetwork          bool
	Owner                metav1.OwnerReference
	Container            ContainerModel
	Ready                bool
	Created              time.Time
	Deleted              *time.Time
	Phase                corev1.PodPhase // "" for Running
	ReadySince           time.Time       // when it last became ready or unready, where not at its creation
}

// ContainerModel is a pod's one container.
type ContainerModel struct {
	Name, Image string
	Env         []corev1.EnvVar
	Ports       []corev1.ContainerPort
	resources   corev1.ResourceRequirements
	Probe       *corev1.Probe
	Started     time.Time
	Restarts    int32
	Waiting     *corev1.ContainerStateWaiting
	Previous    *corev1.ContainerStateTerminated
	Ended       *corev1.ContainerStateTerminated // how it ended, where it has
}

// Object is the Pod as Kubernetes serves it.
func (p PodModel) Object() *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         p.Namespace,
			Name:              p.Name,
			UID:               types.UID(p.UID),
			Labels:            p.Labels,
			Annotations:       p.Annotations,
			CreationTimestamp: metav1.NewTime(p.Created),
		},
		Spec: corev1.PodSpec{
			NodeName:           p.Node,
			ServiceAccountName: p.ServiceAccount,
			HostNetwork:        p.HostNetwork,
			RestartPolicy:      corev1.RestartPolicyAlways,
			DNSPolicy:          corev1.DNSClusterFirst,
			Containers: []corev1.Container{{
				Name:           p.Container.Name,
				Image:          p.Container.Image,
				Env:            p.Container.Env,
				Ports:          p.Container.Ports,
				Resources:      p.Container.resources,
				ReadinessProbe: p.Container.Probe,
			}},
		},
		Status: p.status(),
	}
	if p.Owner.Name != "" {
		pod.OwnerReferences = []metav1.OwnerReference{p.Owner}
		pod.GenerateName = p.Owner.Name + "-"
	}
	if p.Deleted != nil {
		at := metav1.NewTime(*p.Deleted)
		pod.DeletionTimestamp = &at
	}
	return pod
}

func (p PodModel) status() corev1.PodStatus {
	status := corev1.PodStatus{
		Phase:             corev1.PodRunning,
		HostIP:            p.HostIP,
		HostIPs:           []corev1.HostIP{{IP: p.HostIP}},
		StartTime:         &metav1.Time{Time: p.Created},
		QOSClass:          corev1.PodQOSBurstable,
		ContainerStatuses: []corev1.ContainerStatus{p.Container.status(p.Ready)},
	}
	if p.Phase != "" {
		status.Phase = p.Phase
	}
	for i, ip := range p.IPs {
		if i == 0 {
			status.PodIP = ip
		}
		status.PodIPs = append(status.PodIPs, corev1.PodIP{IP: ip})
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized,
		corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(p.Created)}
		if !p.Ready && (kind == corev1.PodReady || kind == corev1.ContainersReady) {
			condition.LastTransitionTime = metav1.NewTime(later(p.ReadySince, p.Created))
			condition.Status = corev1.ConditionFalse
			condition.Reason = "ContainersNotReady"
			condition.Message = "containers with unready status: [" + p.Container.Name + "]"
		}
		status.Conditions = append(status.Conditions, condition)
	}
	return status
}

func (c ContainerModel) status(ready bool) corev1.ContainerStatus {
	started := c.Waiting == nil
	status := corev1.ContainerStatus{
		Name:         c.Name,
		Image:        c.Image,
		ImageID:      c.Image,
		ContainerID:  "containerd://" + string(StableUID("container", c.Name, c.Started.String())),
		Ready:        ready,
		Started:      &started,
		RestartCount: c.Restarts,
	}
	switch {
	case c.Ended != nil:
		status.State.Terminated = c.Ended
	case c.Waiting != nil:
		status.State.Waiting = c.Waiting
	default:
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.Started)}
	}
	status.LastTerminationState.Terminated = c.Previous
	return status
}
