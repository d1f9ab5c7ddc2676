package sim

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// hostIP is the address of a node, "" where there is no such node.
func hostIP(w *world.World, node string) string {
	o, ok := w.Objects.Get(corev1.SchemeGroupVersion.WithResource("nodes"), "", node)
	var n corev1.Node
	if !ok || json.Unmarshal(o.JSON, &n) != nil || len(n.Status.Addresses) == 0 {
		return ""
	}
	return n.Status.Addresses[0].Address
}

// notReady makes the objects say what they say of a node whose kubelet is silent: the node
// controller marks the node as unknown and its pods as not ready.
func notReady(w *world.World, node string) error {
	if err := edit(w, "nodes", func(n *corev1.Node) bool {
		for i, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady {
				n.Status.Conditions[i].Status = corev1.ConditionUnknown
				n.Status.Conditions[i].Reason, n.Status.Conditions[i].Message = "NodeStatusUnknown", "Kubelet stopped posting node status."
			}
		}
		return n.Name == node
	}); err != nil {
		return err
	}
	return edit(w, "pods", func(p *corev1.Pod) bool {
		for i, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady {
				p.Status.Conditions[i].Status, p.Status.Conditions[i].Reason = corev1.ConditionFalse, "NodeNotReady"
			}
		}
		return p.Spec.NodeName == node
	})
}

// edit changes the objects of a core resource, those for which change says so.
func edit[T any](w *world.World, plural string, change func(*T) bool) error {
	objects := w.Objects.After(corev1.SchemeGroupVersion.WithResource(plural), "")
	for i, o := range objects {
		var object T
		if err := json.Unmarshal(o.JSON, &object); err != nil {
			return fmt.Errorf("changing %s %s: %w", plural, o.Key(), err)
		}
		if !change(&object) {
			continue
		}
		var err error
		if objects[i].JSON, err = json.Marshal(object); err != nil {
			return fmt.Errorf("changing %s %s: %w", plural, o.Key(), err)
		}
	}
	return nil
}
