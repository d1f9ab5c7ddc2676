package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// historyTraps are what was, and is not any more.
func historyTraps() []Trap {
	return []Trap{
		{"restarts-of-last-week", "agents that ran out of memory three days ago, and have run since", "", layOldRestarts},
	}
}

func layOldRestarts(m *mesh) error {
	z, agent := m.nodes[0].ztunnel, m.nodes[len(m.nodes)-1].cni
	at := m.now.Add(-72 * time.Hour).Truncate(time.Second)
	oom := &corev1.ContainerStateTerminated{
		Reason: "OOMKilled", ExitCode: 137, StartedAt: metav1.NewTime(at.Add(-96 * time.Hour)), FinishedAt: metav1.NewTime(at),
	}
	for _, c := range []*containerModel{&z.pod.container, &agent.pod.container} {
		c.restarts, c.started, c.previous = 4, at.Add(2*time.Second), oom
	}
	z.pod.created, agent.pod.created = at.Add(-96*time.Hour), at.Add(-96*time.Hour)
	z.began = at.Add(2 * time.Second)
	z.before = []logLine{record(at.Add(-time.Minute), "info", "xds::client:xds{id=1}", "received response", fmt.Sprintf("type_url=%q size=1 removes=0", addressType))}
	agent.before = joinLines([]logLine{record(at.Add(-time.Minute), "info", "cni-agent", "in pod mode - adding pod to ztunnel", "")}).Text
	return nil
}
