package sim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func agentFaults() []Fault {
	return []Fault{
		{"node-without-cni-or-ztunnel", "a node that runs pods of the mesh has no ztunnel", showing((*mesh).pickRunning, plantNoZtunnel)},
		{"ztunnel-crashloop", "a ztunnel runs out of memory again and again", on((*mesh).pickZtunnel, plantCrash)},
	}
}

func plantNoZtunnel(m *mesh, z *ztunnel) Subject {
	m.drop(z)
	m.removePod(z.pod)
	n := z.node
	n.ztunnel = nil
	for _, p := range m.onNode(n) {
		if p.proxy == proxyUp {
			p.mute = true
		}
	}
	return Subject{Kind: "node", Name: n.name, Node: n.name}
}

// crashRestarts is how often a crashing ztunnel was restarted.
const crashRestarts = 7

func plantCrash(m *mesh, z *ztunnel) {
	m.drop(z)
	at := m.now.Add(-4 * time.Minute)
	z.crashed = &crash{restarts: crashRestarts, at: at}
	c := &z.pod.container
	c.restarts = crashRestarts
	c.started = at.Add(2 * time.Second)
	c.waiting = &corev1.ContainerStateWaiting{
		Reason:  "CrashLoopBackOff",
		Message: "back-off 5m0s restarting failed container=istio-proxy pod=" + z.pod.name + "_" + systemNamespace,
	}
	c.previous = &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "OOMKilled",
		StartedAt: metav1.NewTime(m.started), FinishedAt: metav1.NewTime(at),
	}
	z.pod.ready = false
}
