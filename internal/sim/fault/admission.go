package fault

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func admissionFaults() []Fault {
	return []Fault{
		{"daemonset-incomplete", "the CNI agent of a node without captured pods never becomes ready", plantUnreadyAgent},
		{"daemonset-quota", "a quota keeps a ztunnel from being made", plantRefusedPod(`Error creating: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]`)},
		{"psa-blocks-daemonset", "Pod Security keeps a ztunnel from being made", plantRefusedPod(`Error creating: pods "ztunnel-" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume "cni-ztunnel-sock-dir")`)},
		{"probe-blocked-by-netpol", "a NetworkPolicy that lets in pods only keeps the kubelet's probes out", on(plant.PickPod, plantProbesShut)},
		{"probe-bypass-lost", "the kubelet's probes of a pod go through ztunnel, and a policy refuses them", plantProbesRefused},
		{"probe-bypass-not-set", "istio-cni could not let the probes of a pod past ztunnel", showing(plant.PickPod, plantProbesNotSet)},
	}
}

func plantUnreadyAgent(m *world.Mesh, _ string) (world.Subject, error) {
	m.AddNode(len(m.Nodes))
	n := m.Nodes[len(m.Nodes)-1]
	m.Istiods[0].Proxies = append(m.Istiods[0].Proxies, n.Ztunnel)
	unready(m, n.CNI)
	return world.Subject{Kind: "daemonset", Namespace: world.SystemNamespace, Name: istio.CNINodeApp}, nil
}

// unready makes a CNI agent one that is not ready, for Kubernetes and for istiod.
func unready(m *world.Mesh, c *world.CNIAgent) {
	c.Pod.Ready = false
	for _, p := range m.Pods {
		if p.Namespace == c.Pod.Namespace && p.Name == c.Pod.Name {
			p.Ready = false
		}
	}
}

// plantRefusedPod has the DaemonSet controller told why it may not make a ztunnel.
func plantRefusedPod(message string) planter {
	return showing(plant.PickRunning, func(m *world.Mesh, z *world.Ztunnel) world.Subject {
		plantNoZtunnel(m, z)
		e := plant.Event(m, "daemonset", world.SystemNamespace, "ztunnel", "FailedCreate", corev1.EventTypeWarning, message, m.Now.Add(-2*time.Minute))
		e.Name = fmt.Sprintf("ztunnel.%x", world.StableUID("event", message)[:8])
		e.Source.Component, e.Count = "daemonset-controller", 14
		m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: e})
		return world.Subject{Kind: "daemonset", Namespace: world.SystemNamespace, Name: "ztunnel"}
	})
}

func plantProbesShut(m *world.Mesh, p *world.Pod) {
	failProbes(m, p)
	p.Labels["exposure"] = "internal"
	m.Extra = append(m.Extra, world.Stored{Resource: "networkpolicies", Object: &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "internal-only", CreationTimestamp: metav1.NewTime(m.Started.Truncate(time.Second))},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"exposure": "internal"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}}},
		},
	}})
}

func plantProbesRefused(m *world.Mesh, arg string) (world.Subject, error) {
	for _, p := range m.Members() {
		if len(p.Bound) == 0 || p.Touched() || arg != "" && arg != world.PodKey(p.Namespace, p.Name) {
			continue
		}
		failProbes(m, p)
		m.Calls = append(m.Calls, func(at time.Time) {
			plant.FromOutside(m, p, p.OnNode.IP, "connection closed due to policy rejection: allow policies exist, but none allowed", at)
		})
		return p.Subject(), nil
	}
	return world.Subject{}, plant.ErrNoSubject
}

func plantProbesNotSet(m *world.Mesh, p *world.Pod) world.Subject {
	agent := p.OnNode.CNI
	agent.Lines = append(agent.Lines, world.Record(m.Now.Add(-20*time.Minute), "error", "cni-agent",
		"failed to add pod to addressSet, pod will fail healthchecks: operation not permitted", fmt.Sprintf("ns=%s name=%s", p.Namespace, p.Name)))
	return agent.Subject()
}
