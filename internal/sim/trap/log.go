package trap

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func logTraps() []Trap {
	return []Trap{
		{"access-log-at-warn", "ztunnels whose log level hides access lines: that none is there says nothing", "", layQuietAccess},
		{"log-truncated", "ztunnels' logs that rotation has cut: they begin minutes ago, far from the start", "", layTruncatedLogs},
		{"xds-streams-recycled", "xDS streams that istiod recycled every half an hour, as it does", "", layRecycledStreams},
		{"cni-restarted", "a CNI agent that restarted: its ztunnel was given every pod again", "", layAgentRestart},
		{"certificate-after-istiod-restart", "certificates that could not be fetched for seconds while istiod restarted, and are there now", "hint", layOn(plant.PickPod, layFetchRetried)},
	}
}

func layQuietAccess(m *world.Mesh) error {
	m.LogLevel = "warn"
	setEnv := func(c *corev1.Container) {
		for i, e := range c.Env {
			if c.Name == istio.ProxyContainer && e.Name == "RUST_LOG" {
				c.Env[i].Value = "warn"
			}
		}
	}
	m.Amend = append(m.Amend, func(o world.Stored) {
		if pod, ok := o.Object.(*corev1.Pod); ok {
			for i := range pod.Spec.Containers {
				pod.Spec.Containers[i].Env = append([]corev1.EnvVar(nil), pod.Spec.Containers[i].Env...)
				setEnv(&pod.Spec.Containers[i])
			}
		}
	})
	return nil
}

func layTruncatedLogs(m *world.Mesh) error {
	m.LogFrom = m.Now.Add(-8 * time.Minute)
	return nil
}

func layRecycledStreams(m *world.Mesh) error {
	for _, n := range m.Nodes {
		z := n.Ztunnel
		for at := m.Started.Add(29 * time.Minute); at.Before(m.Now); at = at.Add(30 * time.Minute) {
			z.Lines = append(z.Lines,
				world.Record(at, "info", "xds::client:xds{id=1}", "Stream established", ""),
				world.Record(at.Add(40*time.Millisecond), "info", "xds::client:xds{id=1}", "received response", `type_url="`+world.AddressType+`" size=0 removes=0`))
			z.Ends["Reconnect"]++
		}
	}
	return nil
}

func layAgentRestart(m *world.Mesh) error {
	z := m.Nodes[0].Ztunnel
	at := m.Now.Add(-15 * time.Minute)
	z.Lines = append(z.Lines,
		world.Record(at, "warn", "inpod::workloadmanager", "process stream ended: announce error: failed to read msg: Connection reset by peer (os error 104)", ""),
		world.Record(at.Add(900*time.Millisecond), "info", "inpod::workloadmanager", "handling new stream", ""))
	for i, p := range z.Locals() {
		z.Lines = append(z.Lines, world.Record(at.Add(time.Duration(1000+i)*time.Millisecond), "info", "inpod::statemanager",
			"pod received, starting proxy", `uid="`+p.UID+`" name="`+p.Name+`" namespace="`+p.Namespace+`"`))
	}
	agent := m.Nodes[0].CNI
	agent.Pod.Container.Started = at.Truncate(time.Second)
	agent.Pod.Created = agent.Pod.Container.Started
	return nil
}

// layFetchRetried: what the fetch failed for is over, and the certificates are there.
func layFetchRetried(m *world.Mesh, p *world.Pod) {
	z := p.OnNode.Ztunnel
	at := m.Now.Add(-10 * time.Minute)
	for i := range 3 {
		z.Lines = append(z.Lines, world.Record(at.Add(time.Duration(i)*4*time.Second), "warn", "identity::manager",
			"certificate fetch failed (signing gRPC error (The service is currently unavailable): tcp connect error) and no valid existing certificate; will retry in 4.1s (backoff capped at 150s)",
			"id="+p.Identity()))
	}
}
