package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func admissionFaults() []Fault {
	return []Fault{
		{"daemonset-incomplete", "the CNI agent of a node without captured pods never becomes ready", plantUnreadyAgent},
		{"daemonset-quota", "a quota keeps a ztunnel from being made", plantRefusedPod(`Error creating: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]`)},
		{"psa-blocks-daemonset", "Pod Security keeps a ztunnel from being made", plantRefusedPod(`Error creating: pods "ztunnel-" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume "cni-ztunnel-sock-dir")`)},
		{"probe-blocked-by-netpol", "a NetworkPolicy that lets in pods only keeps the kubelet's probes out", on((*mesh).pickPod, plantProbesShut)},
		{"probe-bypass-lost", "the kubelet's probes of a pod go through ztunnel, and a policy refuses them", plantProbesRefused},
		{"probe-bypass-not-set", "istio-cni could not let the probes of a pod past ztunnel", showing((*mesh).pickPod, plantProbesNotSet)},
	}
}

func plantUnreadyAgent(m *mesh, _ string) (Subject, error) {
	m.addNode(len(m.nodes))
	n := m.nodes[len(m.nodes)-1]
	m.istiods[0].proxies = append(m.istiods[0].proxies, n.ztunnel)
	m.unready(n.cni)
	return Subject{Kind: "daemonset", Namespace: systemNamespace, Name: istio.CNINodeApp}, nil
}

// unready makes a CNI agent one that is not ready, for Kubernetes and for istiod.
func (m *mesh) unready(c *cniAgent) {
	c.pod.ready = false
	for _, p := range m.pods {
		if p.namespace == c.pod.namespace && p.name == c.pod.name {
			p.ready = false
		}
	}
}

// plantRefusedPod has the DaemonSet controller told why it may not make a ztunnel.
func plantRefusedPod(message string) planter {
	return showing((*mesh).pickRunning, func(m *mesh, z *ztunnel) Subject {
		plantNoZtunnel(m, z)
		e := m.event("daemonset", systemNamespace, "ztunnel", "FailedCreate", corev1.EventTypeWarning, message, m.now.Add(-2*time.Minute))
		e.Name = fmt.Sprintf("ztunnel.%x", stableUID("event", message)[:8])
		e.Source.Component, e.Count = "daemonset-controller", 14
		m.extra = append(m.extra, stored{"events", e})
		return Subject{Kind: "daemonset", Namespace: systemNamespace, Name: "ztunnel"}
	})
}

func plantProbesShut(m *mesh, p *meshPod) {
	m.failProbes(p)
	p.labels["exposure"] = "internal"
	m.extra = append(m.extra, stored{"networkpolicies", &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "internal-only", CreationTimestamp: metav1.NewTime(m.started.Truncate(time.Second))},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"exposure": "internal"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}}},
		},
	}})
}

func plantProbesRefused(m *mesh, arg string) (Subject, error) {
	for _, p := range m.members() {
		if len(p.bound) == 0 || p.touched() || arg != "" && arg != podKey(p.namespace, p.name) {
			continue
		}
		m.failProbes(p)
		m.calls = append(m.calls, func(at time.Time) {
			m.fromOutside(p, p.onNode.ip, "connection closed due to policy rejection: allow policies exist, but none allowed", at)
		})
		return p.subject(), nil
	}
	return Subject{}, ErrNoSubject
}

func plantProbesNotSet(m *mesh, p *meshPod) Subject {
	agent := p.onNode.cni
	agent.lines = append(agent.lines, record(m.now.Add(-20*time.Minute), "error", "cni-agent",
		"failed to add pod to addressSet, pod will fail healthchecks: operation not permitted", fmt.Sprintf("ns=%s name=%s", p.namespace, p.name)))
	return agent.subject()
}
