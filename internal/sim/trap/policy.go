package trap

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func policyTraps() []Trap {
	return []Trap{
		{"l7-policy-on-gateway", "an HTTP policy that selects an ingress gateway only: istiod marks it unsupported for ztunnel, which it never meets", "", layGatewayPolicy},
		{"l7-policy-accepted-true", "a policy whose ZtunnelAccepted condition is True, and means it", "", layAcceptedPolicy},
		{"netpol-not-enforced", "a NetworkPolicy that leaves out port 15008 in a cluster whose CNI enforces none", "hint", layOn(plant.PickPod, layIdleNetworkPolicy)},
		{"netpol-allows-hbone", "NetworkPolicies that isolate an application and let 15008 and the kubelet's probes in", "", layProperNetworkPolicy},
		{"netpol-allows-moved-probes", "istio-cni that probes from an address of its own, and a NetworkPolicy that lets that one in", "", layMovedProbes},
	}
}

func layGatewayPolicy(m *world.Mesh) error {
	if err := layGateway(m); err != nil {
		return err
	}
	created := m.Started.Truncate(time.Second)
	policy := world.CustomObject("ingress", "public-methods", created, map[string]any{
		"selector": map[string]any{"matchLabels": map[string]any{istio.GatewayNameLabel: "public"}},
		"action":   "DENY",
		"rules":    []any{map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"DELETE"}}}}}},
	})
	policy.Object["status"] = plant.PolicyStatus("UnsupportedValue", "ztunnel does not support HTTP attributes (found: methods). "+
		"In ambient mode you must use waypoint proxy to enforce HTTP rules. Within a waypoint proxy, DENY policies are always enforced.", created)
	m.Extra = append(m.Extra, world.Stored{Resource: "authorizationpolicies", Object: policy})
	return nil
}

func layAcceptedPolicy(m *world.Mesh) error {
	m.Amend = append(m.Amend, func(o world.Stored) {
		if o.Resource != "authorizationpolicies" {
			return
		}
		if u, ok := o.Object.(interface{ UnstructuredContent() map[string]any }); ok {
			u.UnstructuredContent()["status"] = plant.PolicyStatus("Accepted", "attached to ztunnel", m.Started)
		}
	})
	return nil
}

func layIdleNetworkPolicy(m *world.Mesh, p *world.Pod) {
	m.Netpols = append(m.Netpols, p)
}

// layProperNetworkPolicy isolates an application as the documentation of NetworkPolicies in ambient mode has it.
func layProperNetworkPolicy(m *world.Mesh) error { return layIsolated(m, "169.254.7.127") }

func layMovedProbes(m *world.Mesh) error {
	const address = "169.254.42.1"
	m.Amend = append(m.Amend, func(o world.Stored) {
		if pod, ok := o.Object.(*corev1.Pod); ok && pod.Labels[istio.KubernetesAppLabel] == istio.CNINodeApp {
			c := &pod.Spec.Containers[0]
			c.Env = append(slices.Clone(c.Env), corev1.EnvVar{Name: "HOST_PROBE_SNAT_IP", Value: address})
		}
	})
	return layIsolated(m, address)
}

func layIsolated(m *world.Mesh, prober string) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	tcp, udp := corev1.ProtocolTCP, corev1.ProtocolUDP
	hbone, app, dns := intstr.FromInt32(istio.HBONEPort), intstr.FromInt32(p.Port), intstr.FromInt32(53)
	m.Extra = append(m.Extra, world.Stored{Resource: "networkpolicies", Object: &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.App + "-isolated", CreationTimestamp: metav1.NewTime(m.Started.Truncate(time.Second))},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": p.App}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}, Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &hbone}}},
				{From: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: prober + "/32"}}}, Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &app}}},
			},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				{Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &hbone}, {Protocol: &udp, Port: &dns}}},
			},
		},
	}})
	return nil
}
