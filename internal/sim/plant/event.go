package plant

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// Event is one of Kubernetes' own about an object of kind, at a moment.
func Event(m *world.Mesh, kind, namespace, name, reason, level, message string, at time.Time) *corev1.Event {
	in := world.Choose(namespace == "", "default", namespace)
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: in, Name: fmt.Sprintf("%s.%x", name, world.StableUID("event", kind, namespace, name, reason)[:8]), CreationTimestamp: metav1.NewTime(at),
		},
		InvolvedObject: corev1.ObjectReference{Kind: eventKinds[kind], Namespace: namespace, Name: name},
		Reason:         reason, Message: message, Type: level, Count: 1,
		FirstTimestamp: metav1.NewTime(at), LastTimestamp: metav1.NewTime(at),
		Source: corev1.EventSource{Component: "kubelet"},
	}
}

var eventKinds = map[string]string{"node": "Node", "pod": "Pod", "daemonset": "DaemonSet"}
