package trap

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
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

func layDebugOff(m *world.Mesh) error {
	m.DebugOff = true
	m.Amend = append(m.Amend, func(o world.Stored) {
		if pod, ok := o.Object.(*corev1.Pod); ok && pod.Labels["app"] == "istiod" {
			c := &pod.Spec.Containers[0]
			c.Env = append(slices.Clone(c.Env), corev1.EnvVar{Name: "ENABLE_DEBUG_ON_HTTP", Value: "false"})
		}
	})
	return nil
}

func layIstiodOutside(m *world.Mesh) error {
	for _, i := range m.Istiods {
		m.RemovePod(i.Pod)
	}
	m.IstiodAway = true
	m.Services = slices.DeleteFunc(m.Services, func(s *world.Service) bool { return s.Namespace == world.SystemNamespace && s.Name == "istiod" })
	return nil
}

// layScaledIn: the replica that is left has not seen the others' ztunnels yet, which connected seconds ago.
func layScaledIn(m *world.Mesh) error {
	gone, left := m.Istiods[0], m.Istiods[1]
	terminate(m, gone.Pod)
	gone.Pod.Proxy = world.ProxyAbsent
	z := gone.Proxies[0]
	at := m.Now.Add(-8 * time.Second)
	z.Lines = append(z.Lines,
		world.Record(at, "warn", "xds::client:xds{id=1}", `XDS client error: gRPC error status: Unavailable, message: "error reading a body from connection", retrying in 10ms`, ""),
		world.Record(at.Add(50*time.Millisecond), "info", "xds::client:xds{id=2}", "Stream established", ""))
	z.Ends["Error"]++
	m.After = append(m.After, func() {
		left.Proxies = append(left.Proxies, gone.Proxies[1:]...)
		gone.Proxies = nil
	})
	return nil
}

func layFreshUnavailable(m *world.Mesh) error { return layUnavailable(m, 25*time.Second) }

func layUnavailableAfterRestart(m *world.Mesh) error {
	for _, i := range m.Istiods {
		i.Pod.Container.Started = m.Now.Add(-20 * time.Second).Truncate(time.Second)
		i.Pod.Container.Restarts = 1
		i.Pod.Container.Previous = &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(m.Started), FinishedAt: metav1.NewTime(i.Pod.Container.Started),
		}
	}
	return layUnavailable(m, 100*time.Second)
}

// layUnavailable leaves a pod of some age without the certificate of its identity.
func layUnavailable(m *world.Mesh, age time.Duration) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	p.Created = m.Now.Add(-age).Truncate(time.Second)
	p.Container.Started, p.Mute, p.Faulty = p.Created, true, true
	z := p.OnNode.Ztunnel
	p.ServiceAccount = "fresh" // an identity that no other pod of the node has
	const text = "signing gRPC error (The service is currently unavailable): tcp connect error"
	z.Certs[p.Identity()] = world.CertState{Unavailable: text}
	z.Lines = append(z.Lines, world.Record(p.Created.Add(2*time.Second), "warn", "identity::manager",
		"certificate fetch failed ("+text+") and no valid existing certificate; will retry in 4.1s (backoff capped at 150s)", "id="+p.Identity()))
	for _, s := range p.Services {
		s.Foreign = true // nobody calls it in these seconds
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

func layKubeSystem(m *world.Mesh) error {
	const namespace = "kube-system"
	for _, n := range m.Nodes {
		n.Ztunnel.Pod.Namespace = namespace
		n.CNI.Pod.Namespace = namespace
	}
	for _, p := range m.Pods {
		if p.System && p.Owner.Kind == "DaemonSet" {
			p.Namespace = namespace
		}
	}
	m.Amend = append(m.Amend, func(o world.Stored) {
		switch o.Object.(type) {
		case *appsv1.DaemonSet, *corev1.ServiceAccount:
			if o.Object.GetNamespace() == world.SystemNamespace && o.Object.GetName() != "istiod" {
				o.Object.SetNamespace(namespace)
			}
		case *corev1.ConfigMap:
			if o.Object.GetName() == istio.CNIConfigMap {
				o.Object.SetNamespace(namespace)
			}
		}
	})
	return nil
}

// layCiliumZtunnel follows install/kubernetes/cilium/templates/ztunnel/daemonset.yaml of Cilium.
func layCiliumZtunnel(m *world.Mesh) error {
	labels := map[string]string{"app": "ztunnel-cilium", istio.KubernetesAppLabel: "ztunnel-cilium", "app.kubernetes.io/name": "ztunnel-cilium", "app.kubernetes.io/part-of": "cilium"}
	created := m.Started.Truncate(time.Second)
	container := world.ContainerModel{
		Name: istio.ProxyContainer, Image: "quay.io/cilium/ztunnel:v1.19.0", Started: created,
		Env: []corev1.EnvVar{{Name: "XDS_ADDRESS", Value: "https://localhost:15012"}, {Name: "CA_ADDRESS", Value: "https://localhost:15012"}},
	}
	for i, n := range m.Nodes {
		p := world.PodModel{
			Namespace: "kube-system", Name: "ztunnel-cilium-" + world.NameSuffix("ztunnel-cilium", i), Node: n.Name, HostIP: n.IP, IPs: []string{n.IP},
			ServiceAccount: "ztunnel-cilium", Labels: labels, HostNetwork: true, Container: container, Ready: true, Created: created,
			Owner: world.OwnerReference("apps/v1", "DaemonSet", "daemonsets", "kube-system", "ztunnel-cilium"),
		}
		p.UID = string(world.StableUID("pods", p.Namespace, p.Name))
		pod := p.Object()
		pod.Spec.Containers[0].Args = []string{"proxy", "ztunnel"}
		m.Extra = append(m.Extra, world.Stored{Resource: "pods", Object: pod})
	}
	set := world.DaemonSet{
		Name: "ztunnel-cilium", Labels: labels, Selector: map[string]string{"app": "ztunnel-cilium"}, PodLabels: labels,
		ServiceAccount: "ztunnel-cilium", HostNetwork: true, Container: container, Created: created,
		Desired: int32(len(m.Nodes)), Ready: int32(len(m.Nodes)) - 1,
	}.Object()
	set.Namespace = "kube-system"
	set.Spec.Template.Spec.Containers[0].Args = []string{"proxy", "ztunnel"}
	m.Extra = append(m.Extra, world.Stored{Resource: "daemonsets", Object: set})
	return nil
}

func layDigests(m *world.Mesh) error {
	plant.EachContainer(m, func(c *world.ContainerModel) {
		name, _, _ := strings.Cut(c.Image, ":")
		id := strings.ReplaceAll(string(world.StableUID("digest", c.Image)), "-", "")
		c.Image = name + "@sha256:" + id + id
	})
	return nil
}

func layVendorVersions(m *world.Mesh) error {
	const suffix = "-solo"
	plant.EachContainer(m, func(c *world.ContainerModel) { c.Image = strings.Replace(c.Image, m.Version, m.Version+suffix, 1) })
	for _, n := range m.Nodes {
		n.Ztunnel.Version += suffix
	}
	for _, i := range m.Istiods {
		i.Version += suffix
	}
	return nil
}
