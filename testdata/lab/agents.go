package lab

import (
	"fmt"
	"net/http"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// agents makes the DaemonSets of ztunnel and istio-cni, labelled as their charts do.
func (w *world) agents(t *testing.T, nodes int) (ztunnels, cnis *appsv1.DaemonSet) {
	t.Helper()
	template := func(labels map[string]string, account, container, image string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{ServiceAccountName: account, Containers: []corev1.Container{{Name: container, Image: image}}},
		}
	}
	ztunnels = w.daemonSet(t, "ztunnel", template(
		chart("ztunnel", map[string]string{"app": "ztunnel", "istio.io/dataplane-mode": "none"}), "ztunnel", "istio-proxy", image("ztunnel")), int32(nodes))
	cnis = w.daemonSet(t, "istio-cni-node", template(
		chart("istio-cni", map[string]string{"k8s-app": "istio-cni-node", "istio.io/dataplane-mode": "none"}), "istio-cni", "install-cni", image("install-cni")), int32(nodes))
	return ztunnels, cnis
}

// cni serves what a CNI agent tells that installed itself and has its ztunnel connected.
func (w *world) cni(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	w.forward(t, pod.Namespace, pod.Name, map[int]int{
		15014: serve(t, "GET /metrics", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", func() ([]byte, error) {
			return fmt.Appendf(nil, "# TYPE istio_cni_install_ready gauge\nistio_cni_install_ready 1\n# TYPE ztunnel_connected gauge\nztunnel_connected 1\n"), nil
		}),
		8000: serve(t, "GET /readyz", "text/plain", func() ([]byte, error) { return []byte(http.StatusText(http.StatusOK)), nil }),
	})
	w.logFile(t, pod.Namespace, pod.Name, "install-cni", w.write(t, pod.Name+".log",
		fmt.Appendf(nil, "%s stdout F %s\tinfo\tcni-agent\tInstallation succeed, start watching for re-installation.\n", now(), now())))
}
