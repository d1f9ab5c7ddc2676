package fault

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func agentFaults() []Fault {
	return []Fault{
		{"node-without-cni-or-ztunnel", "a node that runs pods of the mesh has no ztunnel", showing(plant.PickRunning, plantNoZtunnel)},
		{"ztunnel-crashloop", "a ztunnel runs out of memory again and again", on(plant.PickZtunnel, plantCrash)},
	}
}

func plantNoZtunnel(m *world.Mesh, z *world.Ztunnel) world.Subject {
	plant.Drop(m, z)
	m.RemovePod(z.Pod)
	n := z.Node
	n.Ztunnel = nil
	for _, p := range m.OnNode(n) {
		if p.Proxy == world.ProxyUp {
			p.Mute = true
		}
	}
	return world.Subject{Kind: "node", Name: n.Name, Node: n.Name}
}

// crashRestarts is how often a crashing ztunnel was restarted.
const crashRestarts = 7

func plantCrash(m *world.Mesh, z *world.Ztunnel) {
	plant.Drop(m, z)
	at := m.Now.Add(-4 * time.Minute)
	z.Crashed = &world.Crash{Restarts: crashRestarts, At: at}
	c := &z.Pod.Container
	c.Restarts = crashRestarts
	c.Started = at.Add(2 * time.Second)
	c.Waiting = &corev1.ContainerStateWaiting{
		Reason:  "CrashLoopBackOff",
		Message: "back-off 5m0s restarting failed container=istio-proxy pod=" + z.Pod.Name + "_" + world.SystemNamespace,
	}
	c.Previous = &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "OOMKilled",
		StartedAt: metav1.NewTime(m.Started), FinishedAt: metav1.NewTime(at),
	}
	z.Pod.Ready = false
}
