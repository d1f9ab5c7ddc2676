package world

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// limitMemory gives the containers of the mesh's own pods a memory limit in bytes.
func (m *Mesh) limitMemory(limit int64) {
	m.Amend = append(m.Amend, func(o Stored) {
		pod, ok := o.Object.(*corev1.Pod)
		if !ok || pod.Namespace != SystemNamespace {
			return
		}
		for i := range pod.Spec.Containers {
			c := &pod.Spec.Containers[i]
			limits := corev1.ResourceList{}
			for name, quantity := range c.Resources.Limits {
				limits[name] = quantity
			}
			limits[corev1.ResourceMemory] = *resource.NewQuantity(limit, resource.BinarySI)
			c.Resources.Limits = limits
		}
	})
}

// serveMetrics adds the metrics API, k8s.io/metrics v1beta1: each container
// uses so many bytes of memory, and each node as many times that as it has pods.
func (m *Mesh) serveMetrics(s *kubeapi.Store, used int64) error {
	memory := func(n int64) map[string]any {
		return map[string]any{"cpu": "10m", "memory": resource.NewQuantity(n, resource.BinarySI).String()}
	}
	pods := newResource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", "", custom)
	nodes := newResource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", "", clusterScoped, custom)
	s.AddResource(pods)
	s.AddResource(nodes)
	on := map[string]int64{}
	for _, p := range m.Pods {
		on[p.Node]++
		err := addObject(s, pods, &unstructured.Unstructured{Object: map[string]any{
			"metadata":   map[string]any{"namespace": p.Namespace, "name": p.Name},
			"containers": []any{map[string]any{"name": p.Container.Name, "usage": memory(used)}},
		}})
		if err != nil {
			return fmt.Errorf("measuring the pods' memory: %w", err)
		}
	}
	for _, n := range m.Nodes {
		err := addObject(s, nodes, &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": n.Name}, "usage": memory(used * on[n.Name]),
		}})
		if err != nil {
			return fmt.Errorf("measuring the nodes' memory: %w", err)
		}
	}
	return nil
}
