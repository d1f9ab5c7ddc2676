package sim

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func controlTraps() []Trap {
	return []Trap{
		{"debug-off", "istiod that answers no debug request (ENABLE_DEBUG_ON_HTTP=false)", "", layDebugOff},
		{"istiod-outside", "a control plane that runs outside the cluster", "", layIstiodOutside},
		{"istiod-scaled-in", "an istiod replica that was scaled in a moment ago: its ztunnels are connecting to the other", "", layScaledIn},
		{"certificate-unavailable-at-start", "a pod of seconds ago whose first certificate request met an istiod that was restarting", "hint", layFreshUnavailable},
		{"certificate-unavailable-after-istiod-restart", "an istiod that restarted seconds ago: the request of a pod that started meanwhile is waiting to be made again", "hint", layUnavailableAfterRestart},
	}
}

func layDebugOff(m *mesh) error {
	m.debugOff = true
	m.amend = append(m.amend, func(o stored) {
		if pod, ok := o.object.(*corev1.Pod); ok && pod.Labels["app"] == "istiod" {
			c := &pod.Spec.Containers[0]
			c.Env = append(slices.Clone(c.Env), corev1.EnvVar{Name: "ENABLE_DEBUG_ON_HTTP", Value: "false"})
		}
	})
	return nil
}

func layIstiodOutside(m *mesh) error {
	for _, i := range m.istiods {
		m.removePod(i.pod)
	}
	m.istiodAway = true
	m.services = slices.DeleteFunc(m.services, func(s *meshService) bool { return s.namespace == systemNamespace && s.name == "istiod" })
	return nil
}

// layScaledIn: the replica that is left has not seen the others' ztunnels yet, which connected seconds ago.
func layScaledIn(m *mesh) error {
	gone, left := m.istiods[0], m.istiods[1]
	m.terminate(gone.pod)
	gone.pod.proxy = proxyAbsent
	z := gone.proxies[0]
	at := m.now.Add(-8 * time.Second)
	z.lines = append(z.lines,
		record(at, "warn", "xds::client:xds{id=1}", `XDS client error: gRPC error status: Unavailable, message: "error reading a body from connection", retrying in 10ms`, ""),
		record(at.Add(50*time.Millisecond), "info", "xds::client:xds{id=2}", "Stream established", ""))
	z.ends["Error"]++
	m.after = append(m.after, func() {
		left.proxies = append(left.proxies, gone.proxies[1:]...)
		gone.proxies = nil
	})
	return nil
}

func layFreshUnavailable(m *mesh) error { return m.layUnavailable(25 * time.Second) }

func layUnavailableAfterRestart(m *mesh) error {
	for _, i := range m.istiods {
		i.pod.container.started = m.now.Add(-20 * time.Second).Truncate(time.Second)
		i.pod.container.restarts = 1
		i.pod.container.previous = &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(m.started), FinishedAt: metav1.NewTime(i.pod.container.started),
		}
	}
	return m.layUnavailable(100 * time.Second)
}

// layUnavailable leaves a pod of some age without the certificate of its identity.
func (m *mesh) layUnavailable(age time.Duration) error {
	p, err := m.pickPod("")
	if err != nil {
		return err
	}
	p.created = m.now.Add(-age).Truncate(time.Second)
	p.container.started, p.mute, p.faulty = p.created, true, true
	z := p.onNode.ztunnel
	p.serviceAccount = "fresh" // an identity that no other pod of the node has
	const text = "signing gRPC error (The service is currently unavailable): tcp connect error"
	z.certs[p.identity()] = certState{unavailable: text}
	z.lines = append(z.lines, record(p.created.Add(2*time.Second), "warn", "identity::manager",
		"certificate fetch failed ("+text+") and no valid existing certificate; will retry in 4.1s (backoff capped at 150s)", "id="+p.identity()))
	for _, s := range p.services {
		s.foreign = true // nobody calls it in these seconds
	}
	return nil
}

func installTraps() []Trap {
	return []Trap{
		{"kube-system-install", "ztunnel and istio-cni installed in kube-system, as on GKE", "", layKubeSystem},
		{"cilium-ztunnel", "Cilium's own ztunnel, a DaemonSet that is none of Istio's", "", layCiliumZtunnel},
		{"digest-only-images", "images named by digest: no tag says a version", "", layDigests},
		{"vendor-versions", "a vendor's build with a suffix of its own in every version", "hint", layVendorVersions},
	}
}

func layKubeSystem(m *mesh) error {
	const namespace = "kube-system"
	for _, n := range m.nodes {
		n.ztunnel.pod.namespace = namespace
		n.cni.pod.namespace = namespace
	}
	for _, p := range m.pods {
		if p.system && p.owner.Kind == "DaemonSet" {
			p.namespace = namespace
		}
	}
	m.amend = append(m.amend, func(o stored) {
		switch o.object.(type) {
		case *appsv1.DaemonSet, *corev1.ServiceAccount:
			if o.object.GetNamespace() == systemNamespace && o.object.GetName() != "istiod" {
				o.object.SetNamespace(namespace)
			}
		case *corev1.ConfigMap:
			if o.object.GetName() == istio.CNIConfigMap {
				o.object.SetNamespace(namespace)
			}
		}
	})
	return nil
}

// layCiliumZtunnel follows install/kubernetes/cilium/templates/ztunnel/daemonset.yaml of Cilium.
func layCiliumZtunnel(m *mesh) error {
	labels := map[string]string{"app": "ztunnel-cilium", istio.KubernetesAppLabel: "ztunnel-cilium", "app.kubernetes.io/name": "ztunnel-cilium", "app.kubernetes.io/part-of": "cilium"}
	created := m.started.Truncate(time.Second)
	container := containerModel{
		name: istio.ProxyContainer, image: "quay.io/cilium/ztunnel:v1.19.0", started: created,
		env: []corev1.EnvVar{{Name: "XDS_ADDRESS", Value: "https://localhost:15012"}, {Name: "CA_ADDRESS", Value: "https://localhost:15012"}},
	}
	for i, n := range m.nodes {
		p := podModel{
			namespace: "kube-system", name: "ztunnel-cilium-" + nameSuffix("ztunnel-cilium", i), node: n.name, hostIP: n.ip, ips: []string{n.ip},
			serviceAccount: "ztunnel-cilium", labels: labels, hostNetwork: true, container: container, ready: true, created: created,
			owner: ownerReference("apps/v1", "DaemonSet", "daemonsets", "kube-system", "ztunnel-cilium"),
		}
		p.uid = string(stableUID("pods", p.namespace, p.name))
		pod := p.object()
		pod.Spec.Containers[0].Args = []string{"proxy", "ztunnel"}
		m.extra = append(m.extra, stored{"pods", pod})
	}
	set := daemonSet{
		name: "ztunnel-cilium", labels: labels, selector: map[string]string{"app": "ztunnel-cilium"}, podLabels: labels,
		serviceAccount: "ztunnel-cilium", hostNetwork: true, container: container, created: created,
		desired: int32(len(m.nodes)), ready: int32(len(m.nodes)) - 1,
	}.object()
	set.Namespace = "kube-system"
	set.Spec.Template.Spec.Containers[0].Args = []string{"proxy", "ztunnel"}
	m.extra = append(m.extra, stored{"daemonsets", set})
	return nil
}

// eachContainer changes the containers of all pods that run Istio's images.
func (m *mesh) eachContainer(change func(c *containerModel)) {
	for _, p := range m.pods {
		if strings.HasPrefix(p.container.image, imageHub) {
			change(&p.container)
		}
	}
	for _, n := range m.nodes {
		change(&n.cni.pod.container)
	}
}

func layDigests(m *mesh) error {
	m.eachContainer(func(c *containerModel) {
		name, _, _ := strings.Cut(c.image, ":")
		id := strings.ReplaceAll(string(stableUID("digest", c.image)), "-", "")
		c.image = name + "@sha256:" + id + id
	})
	return nil
}

func layVendorVersions(m *mesh) error {
	const suffix = "-solo"
	m.eachContainer(func(c *containerModel) { c.image = strings.Replace(c.image, m.version, m.version+suffix, 1) })
	for _, n := range m.nodes {
		n.ztunnel.version += suffix
	}
	for _, i := range m.istiods {
		i.version += suffix
	}
	return nil
}
