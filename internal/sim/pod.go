package sim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// podModel is a pod as Kubernetes knows it.
type podModel struct {
	namespace, name, uid string
	node, hostIP         string
	ips                  []string
	serviceAccount       string
	labels, annotations  map[string]string
	hostNetwork          bool
	owner                metav1.OwnerReference
	container            containerModel
	ready                bool
	created              time.Time
	deleted              *time.Time
	phase                corev1.PodPhase // "" for Running
	readySince           time.Time       // when it last became ready or unready, where not at its creation
}

// containerModel is a pod's one container.
type containerModel struct {
	name, image string
	env         []corev1.EnvVar
	ports       []corev1.ContainerPort
	resources   corev1.ResourceRequirements
	probe       *corev1.Probe
	started     time.Time
	restarts    int32
	waiting     *corev1.ContainerStateWaiting
	previous    *corev1.ContainerStateTerminated
	ended       *corev1.ContainerStateTerminated // how it ended, where it has
}

func (p podModel) object() *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         p.namespace,
			Name:              p.name,
			UID:               types.UID(p.uid),
			Labels:            p.labels,
			Annotations:       p.annotations,
			CreationTimestamp: metav1.NewTime(p.created),
		},
		Spec: corev1.PodSpec{
			NodeName:           p.node,
			ServiceAccountName: p.serviceAccount,
			HostNetwork:        p.hostNetwork,
			RestartPolicy:      corev1.RestartPolicyAlways,
			DNSPolicy:          corev1.DNSClusterFirst,
			Containers: []corev1.Container{{
				Name:           p.container.name,
				Image:          p.container.image,
				Env:            p.container.env,
				Ports:          p.container.ports,
				Resources:      p.container.resources,
				ReadinessProbe: p.container.probe,
			}},
		},
		Status: p.status(),
	}
	if p.owner.Name != "" {
		pod.OwnerReferences = []metav1.OwnerReference{p.owner}
		pod.GenerateName = p.owner.Name + "-"
	}
	if p.deleted != nil {
		at := metav1.NewTime(*p.deleted)
		pod.DeletionTimestamp = &at
	}
	return pod
}

func (p podModel) status() corev1.PodStatus {
	status := corev1.PodStatus{
		Phase:             corev1.PodRunning,
		HostIP:            p.hostIP,
		HostIPs:           []corev1.HostIP{{IP: p.hostIP}},
		StartTime:         &metav1.Time{Time: p.created},
		QOSClass:          corev1.PodQOSBurstable,
		ContainerStatuses: []corev1.ContainerStatus{p.container.status(p.ready)},
	}
	if p.phase != "" {
		status.Phase = p.phase
	}
	for i, ip := range p.ips {
		if i == 0 {
			status.PodIP = ip
		}
		status.PodIPs = append(status.PodIPs, corev1.PodIP{IP: ip})
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized,
		corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(p.created)}
		if !p.ready && (kind == corev1.PodReady || kind == corev1.ContainersReady) {
			condition.LastTransitionTime = metav1.NewTime(later(p.readySince, p.created))
			condition.Status = corev1.ConditionFalse
			condition.Reason = "ContainersNotReady"
			condition.Message = "containers with unready status: [" + p.container.name + "]"
		}
		status.Conditions = append(status.Conditions, condition)
	}
	return status
}

func (c containerModel) status(ready bool) corev1.ContainerStatus {
	started := c.waiting == nil
	status := corev1.ContainerStatus{
		Name:         c.name,
		Image:        c.image,
		ImageID:      c.image,
		ContainerID:  "containerd://" + string(stableUID("container", c.name, c.started.String())),
		Ready:        ready,
		Started:      &started,
		RestartCount: c.restarts,
	}
	switch {
	case c.ended != nil:
		status.State.Terminated = c.ended
	case c.waiting != nil:
		status.State.Waiting = c.waiting
	default:
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.started)}
	}
	status.LastTerminationState.Terminated = c.previous
	return status
}
