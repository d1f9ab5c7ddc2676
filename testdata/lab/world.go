package lab

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// version is what the images of Istio's parts are tagged with.
const version = "1.32.0"

// world is an ambient mesh on the control plane.
type world struct {
	*controlPlane
	ca       *authority
	istiod   *istiod
	ztunnels map[string]*standIn    // by node
	pods     map[string]*corev1.Pod // applications, by name
	sockets  int
}

// startWorld runs a small mesh: three nodes, an application of four services
// in it, and one service outside.
func startWorld(t *testing.T) *world {
	t.Helper()
	w := &world{controlPlane: startControlPlane(t), ca: newAuthority(t), ztunnels: map[string]*standIn{}, pods: map[string]*corev1.Pod{}}
	nodes := []string{"worker-1", "worker-2", "worker-3"}
	for _, n := range nodes {
		w.node(t, n)
	}
	w.namespace(t, system, nil)
	w.rights(t)
	w.namespace(t, apps, map[string]string{"istio.io/dataplane-mode": "ambient"})
	w.namespace(t, "legacy", nil)
	w.controlPod(t)
	w.policy(t)

	ztunnels, cnis := w.agents(t, len(nodes))
	var agents []*corev1.Pod
	for i, n := range nodes {
		agents = append(agents, w.pod(t, podOf(ztunnels, n, fmt.Sprintf("ztunnel-%c7xk2", 'a'+i))))
		w.cni(t, w.pod(t, podOf(cnis, n, fmt.Sprintf("istio-cni-node-%c4wv9", 'a'+i))))
	}
	for _, a := range []struct{ namespace, app, suffix, node string }{
		{apps, "productpage", "7c8f5d9b6-2xvnl", "worker-1"},
		{apps, "details", "59f8b6d7c-m6qjd", "worker-2"},
		{apps, "reviews", "5b9d7c6f8-hh4tw", "worker-1"},
		{apps, "reviews", "5b9d7c6f8-z9kfp", "worker-2"},
		{apps, "ratings", "6d5c9b7f4-k8zqx", "worker-3"},
		{"legacy", "billing", "84d6c5f9b-tt7rs", "worker-3"},
	} {
		w.app(t, a.namespace, a.app, a.app+"-"+a.suffix, a.node)
	}
	for _, a := range agents {
		w.ztunnels[a.Spec.NodeName] = w.startZtunnel(t, a)
	}
	for _, p := range w.pods {
		if p.Namespace == apps {
			w.ztunnels[p.Spec.NodeName].hold(t, p)
		}
	}
	w.traffic(t)
	return w
}

// traffic is what a healthy mesh of these applications makes.
func (w *world) traffic(t *testing.T) {
	t.Helper()
	for range 6 {
		w.call(t, w.named("productpage"), w.named("details"), false)
		w.call(t, w.named("productpage"), w.pods["reviews-5b9d7c6f8-hh4tw"], false)
		w.call(t, w.named("productpage"), w.pods["reviews-5b9d7c6f8-z9kfp"], false)
		w.call(t, w.pods["reviews-5b9d7c6f8-hh4tw"], w.named("ratings"), false)
		w.call(t, w.named("details"), w.named("billing"), true)
	}
}

// named is the pod, or one of the pods, of an application.
func (w *world) named(app string) *corev1.Pod {
	for _, p := range w.pods {
		if p.Labels["app"] == app {
			return p
		}
	}
	return nil
}

func chart(name string, more map[string]string) map[string]string {
	labels := map[string]string{
		"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name, "app.kubernetes.io/part-of": "istio",
		"app.kubernetes.io/version": version, "helm.sh/chart": name + "-" + version,
	}
	for k, v := range more {
		labels[k] = v
	}
	return labels
}

func image(name string) string { return "docker.io/istio/" + name + ":" + version + "-distroless" }

// controlPod is istiod's pod, served by the istiod outside the cluster.
func (w *world) controlPod(t *testing.T) {
	t.Helper()
	const set, name = "istiod-7c8d9f6b54", "istiod-7c8d9f6b54-x2v4q"
	w.istiod = startIstiod(t, w, name)
	labels := chart("istiod", map[string]string{
		"app": "istiod", "istio": "pilot", "istio.io/rev": "default", "pod-template-hash": "7c8d9f6b54", "istio.io/dataplane-mode": "none",
	})
	w.pod(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: system, Labels: labels, OwnerReferences: w.deployment(t, "istiod", set, labels)},
		Spec: corev1.PodSpec{
			NodeName: "worker-1", ServiceAccountName: "istiod",
			Containers: []corev1.Container{{
				Name: "discovery", Image: image("pilot"),
				Env: []corev1.EnvVar{{Name: "REVISION", Value: "default"}, {Name: "PILOT_ENABLE_AMBIENT", Value: "true"}, {Name: "CLUSTER_ID", Value: "Kubernetes"}},
			}},
		},
	})
	w.forward(t, system, name, map[int]int{15014: w.istiod.monitoring})
	w.logFile(t, system, name, "discovery", w.istiod.log)
	w.service(t, system, "istiod", 15012)
}

// policy lets productpage call reviews.
func (w *world) policy(t *testing.T) {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": map[string]any{"name": "reviews-viewer", "namespace": apps},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"app": "reviews"}},
			"rules": []any{map[string]any{"from": []any{map[string]any{
				"source": map[string]any{"principals": []any{"cluster.local/ns/bookinfo/sa/productpage"}},
			}}}},
		},
	}}
	must[*unstructured.Unstructured](t)(w.dynamic.Resource(authorizationPolicies).Namespace(apps).Create(t.Context(), u, createNew))
}

func (w *world) service(t *testing.T, namespace, app string, port int32) {
	t.Helper()
	must[*corev1.Service](t)(w.client.CoreV1().Services(namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: app, Namespace: namespace},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": app},
			Ports:    []corev1.ServicePort{{Name: "tcp", Port: port, TargetPort: intstr.FromInt32(port)}},
		},
	}, createNew))
}

// app makes a pod; in the mesh's namespace it has what the CNI agent writes on those it handed over.
func (w *world) app(t *testing.T, namespace, app, name, node string) {
	t.Helper()
	annotations := map[string]string{}
	if namespace == apps {
		annotations["ambient.istio.io/redirection"] = "enabled"
	}
	if w.named(app) == nil {
		w.service(t, namespace, app, appPort)
		must[*corev1.ServiceAccount](t)(w.client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: app}}, createNew))
	}
	w.pods[name] = w.pod(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app": app}, Annotations: annotations},
		Spec: corev1.PodSpec{
			NodeName: node, ServiceAccountName: app,
			Containers: []corev1.Container{{Name: app, Image: "docker.io/istio/examples-bookinfo-" + app + ":1.20.3"}},
		},
	})
}
