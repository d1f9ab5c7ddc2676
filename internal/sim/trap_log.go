package sim

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func logTraps() []Trap {
	return []Trap{
		{"access-log-at-warn", "ztunnels whose log level hides access lines: that none is there says nothing", "", layQuietAccess},
		{"log-truncated", "ztunnels' logs that rotation has cut: they begin minutes ago, far from the start", "", layTruncatedLogs},
		{"xds-streams-recycled", "xDS streams that istiod recycled every half an hour, as it does", "", layRecycledStreams},
		{"cni-restarted", "a CNI agent that restarted: its ztunnel was given every pod again", "", layAgentRestart},
		{"certificate-after-istiod-restart", "certificates that could not be fetched for seconds while istiod restarted, and are there now", "hint", layOn((*mesh).pickPod, layFetchRetried)},
	}
}

// quiet is what LOG_LEVEL or RUST_LOG leave of a log at warn.
func quiet(lines []logLine) []logLine {
	var kept []logLine
	for _, l := range lines {
		if level, _, _ := strings.Cut(l.text, "\t"); level != "info" {
			kept = append(kept, l)
		}
	}
	return kept
}

func layQuietAccess(m *mesh) error {
	m.logLevel = "warn"
	setEnv := func(c *corev1.Container) {
		for i, e := range c.Env {
			if c.Name == istio.ProxyContainer && e.Name == "RUST_LOG" {
				c.Env[i].Value = "warn"
			}
		}
	}
	m.amend = append(m.amend, func(o stored) {
		if pod, ok := o.object.(*corev1.Pod); ok {
			for i := range pod.Spec.Containers {
				pod.Spec.Containers[i].Env = append([]corev1.EnvVar(nil), pod.Spec.Containers[i].Env...)
				setEnv(&pod.Spec.Containers[i])
			}
		}
	})
	return nil
}

func layTruncatedLogs(m *mesh) error {
	m.logFrom = m.now.Add(-8 * time.Minute)
	return nil
}

func layRecycledStreams(m *mesh) error {
	for _, n := range m.nodes {
		z := n.ztunnel
		for at := m.started.Add(29 * time.Minute); at.Before(m.now); at = at.Add(30 * time.Minute) {
			z.lines = append(z.lines,
				record(at, "info", "xds::client:xds{id=1}", "Stream established", ""),
				record(at.Add(40*time.Millisecond), "info", "xds::client:xds{id=1}", "received response", `type_url="`+addressType+`" size=0 removes=0`))
			z.ends["Reconnect"]++
		}
	}
	return nil
}

func layAgentRestart(m *mesh) error {
	z := m.nodes[0].ztunnel
	at := m.now.Add(-15 * time.Minute)
	z.lines = append(z.lines,
		record(at, "warn", "inpod::workloadmanager", "process stream ended: announce error: failed to read msg: Connection reset by peer (os error 104)", ""),
		record(at.Add(900*time.Millisecond), "info", "inpod::workloadmanager", "handling new stream", ""))
	for i, p := range z.locals() {
		z.lines = append(z.lines, record(at.Add(time.Duration(1000+i)*time.Millisecond), "info", "inpod::statemanager",
			"pod received, starting proxy", `uid="`+p.uid+`" name="`+p.name+`" namespace="`+p.namespace+`"`))
	}
	agent := m.nodes[0].cni
	agent.pod.container.started = at.Truncate(time.Second)
	agent.pod.created = agent.pod.container.started
	return nil
}

// layFetchRetried: what the fetch failed for is over, and the certificates are there.
func layFetchRetried(m *mesh, p *meshPod) {
	z := p.onNode.ztunnel
	at := m.now.Add(-10 * time.Minute)
	for i := range 3 {
		z.lines = append(z.lines, record(at.Add(time.Duration(i)*4*time.Second), "warn", "identity::manager",
			"certificate fetch failed (signing gRPC error (The service is currently unavailable): tcp connect error) and no valid existing certificate; will retry in 4.1s (backoff capped at 150s)",
			"id="+p.identity()))
	}
}
