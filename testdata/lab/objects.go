package lab

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/zbundle/zbundle/collect"
)

var (
	portForwards          = schema.GroupVersionResource{Group: "kwok.x-k8s.io", Version: "v1alpha1", Resource: "portforwards"}
	logs                  = schema.GroupVersionResource{Group: "kwok.x-k8s.io", Version: "v1alpha1", Resource: "logs"}
	authorizationPolicies = schema.GroupVersionResource{Group: "security.istio.io", Version: "v1", Resource: "authorizationpolicies"}

	listAll   = metav1.ListOptions{}
	createNew = metav1.CreateOptions{}
)

const apps = "bookinfo"

// must fails the test on an error of creating an object.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (c *controlPlane) namespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	must[*corev1.Namespace](t)(c.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, createNew))
}

func (c *controlPlane) node(t *testing.T, name string) {
	t.Helper()
	must[*corev1.Node](t)(c.client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/os": "linux", "kubernetes.io/hostname": name}},
	}, createNew))
}

// pod makes one and waits until kwok runs it.
func (c *controlPlane) pod(t *testing.T, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	p.Spec.RestartPolicy = corev1.RestartPolicyAlways
	must[*corev1.Pod](t)(c.client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, createNew))
	var running *corev1.Pod
	await(t, "pod "+p.Name, time.Minute, func(ctx context.Context) error {
		var err error
		running, err = c.client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
		if err == nil && (running.Status.Phase != corev1.PodRunning || running.Status.PodIP == "" && !p.Spec.HostNetwork) {
			err = fmt.Errorf("it is %s", running.Status.Phase)
		}
		return err
	})
	return running
}

// forward sends a pod's ports to where they are really served.
func (c *controlPlane) forward(t *testing.T, namespace, pod string, ports map[int]int) {
	t.Helper()
	var forwards []any
	for from, to := range ports {
		forwards = append(forwards, map[string]any{
			"ports": []any{int64(from)}, "target": map[string]any{"port": int64(to), "address": "127.0.0.1"},
		})
	}
	c.kwok(t, portForwards, "PortForward", namespace, pod, map[string]any{"forwards": forwards})
}

// logFile makes a file a pod's log; its lines are in the form of the CRI.
func (c *controlPlane) logFile(t *testing.T, namespace, pod, container, file string) {
	t.Helper()
	c.kwok(t, logs, "Logs", namespace, pod, map[string]any{
		"logs": []any{map[string]any{"containers": []any{container}, "logsFile": file}},
	})
}

func (c *controlPlane) kwok(t *testing.T, gvr schema.GroupVersionResource, kind, namespace, name string, spec map[string]any) {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace}, "spec": spec,
	}}
	must[*unstructured.Unstructured](t)(c.dynamic.Resource(gvr).Namespace(namespace).Create(t.Context(), u, createNew))
}

// daemonSet makes one that is rolled out: no controller runs here.
func (c *controlPlane) daemonSet(t *testing.T, name string, template corev1.PodTemplateSpec, nodes int32) *appsv1.DaemonSet {
	t.Helper()
	ds := must[*appsv1.DaemonSet](t)(c.client.AppsV1().DaemonSets(system).Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: system},
		Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template},
	}, createNew))
	ds.Status = appsv1.DaemonSetStatus{
		DesiredNumberScheduled: nodes, CurrentNumberScheduled: nodes, NumberReady: nodes, NumberAvailable: nodes, UpdatedNumberScheduled: nodes,
	}
	return must[*appsv1.DaemonSet](t)(c.client.AppsV1().DaemonSets(system).UpdateStatus(t.Context(), ds, metav1.UpdateOptions{}))
}

// deployment makes one with its ReplicaSet, and gives what its pods are owned by.
func (c *controlPlane) deployment(t *testing.T, name, set string, labels map[string]string) []metav1.OwnerReference {
	t.Helper()
	controller := true
	owned := func(kind, name string, uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: &controller}}
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "discovery", Image: image("pilot")}}},
	}
	d := must[*appsv1.Deployment](t)(c.client.AppsV1().Deployments(system).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: system, Labels: labels},
		Spec:       appsv1.DeploymentSpec{Selector: selector, Template: template},
	}, createNew))
	rs := must[*appsv1.ReplicaSet](t)(c.client.AppsV1().ReplicaSets(system).Create(t.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: set, Namespace: system, Labels: labels, OwnerReferences: owned("Deployment", d.Name, d.UID)},
		Spec:       appsv1.ReplicaSetSpec{Selector: selector, Template: template},
	}, createNew))
	return owned("ReplicaSet", rs.Name, rs.UID)
}

// podOf is a DaemonSet's pod on one node.
func podOf(ds *appsv1.DaemonSet, node, name string) *corev1.Pod {
	controller := true
	p := &corev1.Pod{ObjectMeta: *ds.Spec.Template.ObjectMeta.DeepCopy(), Spec: *ds.Spec.Template.Spec.DeepCopy()}
	p.Name, p.Namespace = name, ds.Namespace
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: ds.Name, UID: ds.UID, Controller: &controller}}
	p.Spec.NodeName = node
	return p
}

// rights are those that `zbundle rbac` prints, with and without port-forward.
func (c *controlPlane) rights(t *testing.T) {
	t.Helper()
	for _, user := range []string{collector, noForward} {
		r := collect.RightsIn([]string{system}, collect.Options{}, user, rbacv1.Subject{Kind: rbacv1.UserKind, Name: user, APIGroup: rbacv1.GroupName})
		rbac := c.client.RbacV1()
		must[*rbacv1.ClusterRole](t)(rbac.ClusterRoles().Create(t.Context(), r.Cluster, createNew))
		must[*rbacv1.ClusterRoleBinding](t)(rbac.ClusterRoleBindings().Create(t.Context(), r.ClusterBinding, createNew))
		for i, role := range r.Namespaced {
			if user == noForward {
				role.Rules = slices.DeleteFunc(role.Rules, func(rule rbacv1.PolicyRule) bool { return slices.Contains(rule.Resources, "pods/portforward") })
			}
			must[*rbacv1.Role](t)(rbac.Roles(role.Namespace).Create(t.Context(), role, createNew))
			must[*rbacv1.RoleBinding](t)(rbac.RoleBindings(role.Namespace).Create(t.Context(), r.NamespacedBinds[i], createNew))
		}
	}
}
