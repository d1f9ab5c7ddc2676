package sim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func platformFaults() []Fault {
	return []Fault{
		{"cilium-exclusive", "Cilium takes other CNI plugins out of the configuration", plantCilium("cni-exclusive")},
		{"cilium-bpf-masquerade", "Cilium masquerades in BPF", plantCilium("enable-bpf-masquerade")},
		{"calico-ebpf", "Calico 3.28 runs its eBPF data plane", plantCalico},
		{"eks-sg-strict", "the AWS VPC CNI enforces security groups strictly on a captured pod with an interface of its own", on((*mesh).pickPod, plantStrictGroups)},
		{"platform-value-missing", "istio-cni can't install itself on a k3s node", showing((*mesh).pickZtunnel, plantPlatform)},
		{"gateway-api-crds-missing", "a service asks for a waypoint, and the Gateway API is not installed", plantNoGatewayAPI},
		{"uid-1337", "the application of a pod with a sidecar runs as the sidecar's user", showing((*mesh).pickPod, plantSidecarUser)},
		{"app-uses-reserved-port", "a captured pod declares port 15008", on((*mesh).pickPod, plantReservedPort)},
		{"hostnetwork-ignored", "a pod of an ambient namespace is on the host's network", showing((*mesh).pickPod, plantHostNetwork)},
		{"ns-label-typo", "a namespace's data plane label is in capitals", plantLabelTypo},
		{"rev-label-mix", "an ambient namespace has a revision label", showing((*mesh).pickPod, plantRevisionLabel)},
	}
}

// plantCilium sets a key of Cilium's one configuration.
func plantCilium(key string) planter {
	return func(m *mesh, _ string) (Subject, error) {
		if m.cilium == nil {
			m.cilium = map[string]string{"cni-exclusive": "false", "enable-bpf-masquerade": "false", "kube-proxy-replacement": "true", "bpf-lb-sock-hostns-only": "true"}
			m.extra = append(m.extra, stored{"configmaps", &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cilium-config", CreationTimestamp: metav1.NewTime(m.started.Truncate(time.Second))},
				Data:       m.cilium,
			}})
		}
		m.cilium[key] = "true"
		return Subject{Kind: "mesh", Name: contextName}, nil
	}
}

// addNodeAgent adds a pod of another vendor's DaemonSet to each node.
func (m *mesh) addNodeAgent(name string, labels map[string]string, c containerModel) {
	created := m.started.Truncate(time.Second)
	c.started = created
	for i, n := range m.nodes {
		p := podModel{
			namespace: "kube-system", name: name + "-" + nameSuffix(name, i), node: n.name, hostIP: n.ip, ips: []string{n.ip},
			serviceAccount: name, labels: labels, hostNetwork: true, container: c, ready: true, created: created,
			owner: ownerReference("apps/v1", "DaemonSet", "daemonsets", "kube-system", name),
		}
		p.uid = string(stableUID("pods", p.namespace, p.name))
		m.extra = append(m.extra, stored{"pods", p.object()})
	}
}

func plantCalico(m *mesh, _ string) (Subject, error) {
	m.addNodeAgent("calico-node", map[string]string{istio.KubernetesAppLabel: "calico-node"}, containerModel{name: "calico-node", image: "docker.io/calico/node:v3.28.2"})
	felix := customObject("", "default", m.started.Truncate(time.Second), map[string]any{"bpfEnabled": true, "bpfConnectTimeLoadBalancing": "TCP"})
	m.extra = append(m.extra, stored{"felixconfigurations", felix})
	return Subject{Kind: "mesh", Name: contextName}, nil
}

func plantStrictGroups(m *mesh, p *meshPod) {
	m.addNodeAgent("aws-node", map[string]string{istio.KubernetesAppLabel: "aws-node"}, containerModel{
		name: "aws-node", image: "602401143452.dkr.ecr.eu-central-1.amazonaws.com/amazon-k8s-cni:v1.20.4",
		env: []corev1.EnvVar{{Name: "ENABLE_POD_ENI", Value: "true"}, {Name: "POD_SECURITY_GROUP_ENFORCING_MODE", Value: "strict"}},
	})
	p.annotations["vpc.amazonaws.com/pod-eni"] = `[{"eniId":"eni-0a1b2c3d4e5f60718","ifAddress":"0a:58:a9:fe:09:01","privateIp":"` + p.ip() + `","vlanId":1}]`
	m.failProbes(p)
}

// failProbes makes p a pod that the kubelet finds unready since it was captured.
func (m *mesh) failProbes(p *meshPod) {
	p.ready, p.faulty = false, true
	p.container.probe = httpProbe("/healthz", int(p.port))
	m.extra = append(m.extra, stored{"events", m.event("pod", p.namespace, p.name, "Unhealthy", corev1.EventTypeWarning,
		"Readiness probe failed: Get \"http://"+m.appAddress(p)+"/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)", m.now.Add(-10*time.Second))})
}

func plantPlatform(m *mesh, z *ztunnel) Subject {
	n := z.node
	m.amend = append(m.amend, func(o stored) {
		if node, ok := o.object.(*corev1.Node); ok {
			node.Status.NodeInfo.KubeletVersion = kubernetesVersion + "+k3s1"
			node.Status.NodeInfo.OSImage = "K3s OS"
		}
	})
	m.unready(n.cni)
	n.cni.broken = true
	n.cni.lines = append(n.cni.lines, record(m.started.Add(time.Minute), "error", "install",
		"failed to find a CNI network list in /etc/cni/net.d; hint: some Kubernetes environments require customization of the CNI directories", ""))
	return n.cni.subject()
}

func (c *cniAgent) subject() Subject {
	return Subject{Kind: "pod", Namespace: c.pod.namespace, Name: c.pod.name, Node: c.pod.node}
}

func plantNoGatewayAPI(m *mesh, _ string) (Subject, error) {
	wp := m.waypoint
	if wp == nil {
		return Subject{}, ErrNoSubject
	}
	var asking Subject
	m.removePod(wp.pod)
	for _, s := range m.services {
		if s.through == wp {
			s.through = nil
			asking = Subject{Kind: "service", Namespace: s.namespace, Name: s.name}
		}
	}
	m.services, m.waypoint, m.withoutGatewayAPI = allBut(m.services, wp.service), nil, true
	return asking, nil
}

func plantSidecarUser(m *mesh, p *meshPod) Subject {
	side := m.addBeside(p, m.nodes[0], 0, m.started)
	side.namespace, side.labels[istio.DataplaneModeLabel] = "legacy", "none"
	side.annotations = map[string]string{istio.SidecarStatusAnnotation: `{"initContainers":["istio-init"],"containers":["istio-proxy"],"revision":"default"}`}
	m.amend = append(m.amend, func(o stored) {
		if pod, ok := o.object.(*corev1.Pod); ok && pod.Name == side.name {
			user := int64(1337)
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &user}
		}
	})
	return side.subject()
}

func plantReservedPort(m *mesh, p *meshPod) {
	p.faulty = true
	p.container.ports = append(p.container.ports, corev1.ContainerPort{Name: "tcp-sync", ContainerPort: istio.HBONEPort, Protocol: corev1.ProtocolTCP})
}

func plantHostNetwork(m *mesh, p *meshPod) Subject {
	host := m.addBeside(p, p.onNode, 0, m.started)
	m.toHostNetwork(host)
	return host.subject()
}

// label puts a label on a namespace.
func (m *mesh) label(namespace, key, value string) Subject {
	m.amend = append(m.amend, func(o stored) {
		if ns, ok := o.object.(*corev1.Namespace); ok && ns.Name == namespace {
			ns.Labels[key] = value
		}
	})
	return Subject{Kind: "namespace", Name: namespace}
}

func plantLabelTypo(m *mesh, _ string) (Subject, error) {
	return m.label("default", istio.DataplaneModeLabel, "Ambient"), nil
}

func plantRevisionLabel(m *mesh, p *meshPod) Subject {
	return m.label(p.namespace, istio.RevisionLabel, "canary")
}
