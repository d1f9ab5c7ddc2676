package fault

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func platformFaults() []Fault {
	return []Fault{
		{"cilium-exclusive", "Cilium takes other CNI plugins out of the configuration", plantCilium("cni-exclusive")},
		{"cilium-bpf-masquerade", "Cilium masquerades in BPF", plantCilium("enable-bpf-masquerade")},
		{"calico-ebpf", "Calico 3.28 runs its eBPF data plane", plantCalico},
		{"eks-sg-strict", "the AWS VPC CNI enforces security groups strictly on a captured pod with an interface of its own", on(plant.PickPod, plantStrictGroups)},
		{"platform-value-missing", "istio-cni can't install itself on a k3s node", showing(plant.PickZtunnel, plantPlatform)},
		{"gateway-api-crds-missing", "a service asks for a waypoint, and the Gateway API is not installed", plantNoGatewayAPI},
		{"uid-1337", "the application of a pod with a sidecar runs as the sidecar's user", showing(plant.PickPod, plantSidecarUser)},
		{"app-uses-reserved-port", "a captured pod declares port 15008", on(plant.PickPod, plantReservedPort)},
		{"hostnetwork-ignored", "a pod of an ambient namespace is on the host's network", showing(plant.PickPod, plantHostNetwork)},
		{"ns-label-typo", "a namespace's data plane label is in capitals", plantLabelTypo},
		{"rev-label-mix", "an ambient namespace has a revision label", showing(plant.PickPod, plantRevisionLabel)},
	}
}

// plantCilium sets a key of Cilium's one configuration.
func plantCilium(key string) planter {
	return func(m *world.Mesh, _ string) (world.Subject, error) {
		if m.Cilium == nil {
			m.Cilium = map[string]string{"cni-exclusive": "false", "enable-bpf-masquerade": "false", "kube-proxy-replacement": "true", "bpf-lb-sock-hostns-only": "true"}
			m.Extra = append(m.Extra, world.Stored{Resource: "configmaps", Object: &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cilium-config", CreationTimestamp: metav1.NewTime(m.Started.Truncate(time.Second))},
				Data:       m.Cilium,
			}})
		}
		m.Cilium[key] = "true"
		return world.Subject{Kind: "mesh", Name: world.ContextName}, nil
	}
}

// addNodeAgent adds a pod of another vendor's DaemonSet to each node.
func addNodeAgent(m *world.Mesh, name string, labels map[string]string, c world.ContainerModel) {
	created := m.Started.Truncate(time.Second)
	c.Started = created
	for i, n := range m.Nodes {
		p := world.PodModel{
			Namespace: "kube-system", Name: name + "-" + world.NameSuffix(name, i), Node: n.Name, HostIP: n.IP, IPs: []string{n.IP},
			ServiceAccount: name, Labels: labels, HostNetwork: true, Container: c, Ready: true, Created: created,
			Owner: world.OwnerReference("apps/v1", "DaemonSet", "daemonsets", "kube-system", name),
		}
		p.UID = string(world.StableUID("pods", p.Namespace, p.Name))
		m.Extra = append(m.Extra, world.Stored{Resource: "pods", Object: p.Object()})
	}
}

func plantCalico(m *world.Mesh, _ string) (world.Subject, error) {
	addNodeAgent(m, "calico-node", map[string]string{istio.KubernetesAppLabel: "calico-node"}, world.ContainerModel{Name: "calico-node", Image: "docker.io/calico/node:v3.28.2"})
	felix := world.CustomObject("", "default", m.Started.Truncate(time.Second), map[string]any{"bpfEnabled": true, "bpfConnectTimeLoadBalancing": "TCP"})
	m.Extra = append(m.Extra, world.Stored{Resource: "felixconfigurations", Object: felix})
	return world.Subject{Kind: "mesh", Name: world.ContextName}, nil
}

func plantStrictGroups(m *world.Mesh, p *world.Pod) {
	addNodeAgent(m, "aws-node", map[string]string{istio.KubernetesAppLabel: "aws-node"}, world.ContainerModel{
		Name: "aws-node", Image: "602401143452.dkr.ecr.eu-central-1.amazonaws.com/amazon-k8s-cni:v1.20.4",
		Env: []corev1.EnvVar{{Name: "ENABLE_POD_ENI", Value: "true"}, {Name: "POD_SECURITY_GROUP_ENFORCING_MODE", Value: "strict"}},
	})
	p.Annotations["vpc.amazonaws.com/pod-eni"] = `[{"eniId":"eni-0a1b2c3d4e5f60718","ifAddress":"0a:58:a9:fe:09:01","privateIp":"` + p.IP() + `","vlanId":1}]`
	failProbes(m, p)
}

// failProbes makes p a pod that the kubelet finds unready since it was captured.
func failProbes(m *world.Mesh, p *world.Pod) {
	p.Ready, p.Faulty = false, true
	p.Container.Probe = world.HTTPProbe("/healthz", int(p.Port))
	m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: plant.Event(m, "pod", p.Namespace, p.Name, "Unhealthy", corev1.EventTypeWarning,
		"Readiness probe failed: Get \"http://"+m.AppAddress(p)+"/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)", m.Now.Add(-10*time.Second))})
}

func plantPlatform(m *world.Mesh, z *world.Ztunnel) world.Subject {
	n := z.Node
	m.Amend = append(m.Amend, func(o world.Stored) {
		if node, ok := o.Object.(*corev1.Node); ok {
			node.Status.NodeInfo.KubeletVersion = world.KubernetesVersion + "+k3s1"
			node.Status.NodeInfo.OSImage = "K3s OS"
		}
	})
	unready(m, n.CNI)
	n.CNI.Broken = true
	n.CNI.Lines = append(n.CNI.Lines, world.Record(m.Started.Add(time.Minute), "error", "install",
		"failed to find a CNI network list in /etc/cni/net.d; hint: some Kubernetes environments require customization of the CNI directories", ""))
	return n.CNI.Subject()
}

func plantNoGatewayAPI(m *world.Mesh, _ string) (world.Subject, error) {
	wp := m.Waypoint
	if wp == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	var asking world.Subject
	m.RemovePod(wp.Pod)
	for _, s := range m.Services {
		if s.Through == wp {
			s.Through = nil
			asking = world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}
		}
	}
	m.Services, m.Waypoint, m.WithoutGatewayAPI = world.AllBut(m.Services, wp.Service), nil, true
	return asking, nil
}

func plantSidecarUser(m *world.Mesh, p *world.Pod) world.Subject {
	side := plant.AddBeside(m, p, m.Nodes[0], 0, m.Started)
	side.Namespace, side.Labels[istio.DataplaneModeLabel] = "legacy", "none"
	side.Annotations = map[string]string{istio.SidecarStatusAnnotation: `{"initContainers":["istio-init"],"containers":["istio-proxy"],"revision":"default"}`}
	m.Amend = append(m.Amend, func(o world.Stored) {
		if pod, ok := o.Object.(*corev1.Pod); ok && pod.Name == side.Name {
			user := int64(1337)
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &user}
		}
	})
	return side.Subject()
}

func plantReservedPort(m *world.Mesh, p *world.Pod) {
	p.Faulty = true
	p.Container.Ports = append(p.Container.Ports, corev1.ContainerPort{Name: "tcp-sync", ContainerPort: istio.HBONEPort, Protocol: corev1.ProtocolTCP})
}

func plantHostNetwork(m *world.Mesh, p *world.Pod) world.Subject {
	host := plant.AddBeside(m, p, p.OnNode, 0, m.Started)
	plant.ToHostNetwork(m, host)
	return host.Subject()
}

// label puts a label on a namespace.
func label(m *world.Mesh, namespace, key, value string) world.Subject {
	m.Amend = append(m.Amend, func(o world.Stored) {
		if ns, ok := o.Object.(*corev1.Namespace); ok && ns.Name == namespace {
			ns.Labels[key] = value
		}
	})
	return world.Subject{Kind: "namespace", Name: namespace}
}

func plantLabelTypo(m *world.Mesh, _ string) (world.Subject, error) {
	return label(m, "default", istio.DataplaneModeLabel, "Ambient"), nil
}

func plantRevisionLabel(m *world.Mesh, p *world.Pod) world.Subject {
	return label(m, p.Namespace, istio.RevisionLabel, "canary")
}
