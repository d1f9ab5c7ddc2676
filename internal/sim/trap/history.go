package trap

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// historyTraps are what was, and is not any more.
func historyTraps() []Trap {
	return []Trap{
		{"restarts-of-last-week", "agents that ran out of memory three days ago, and have run since", "", layOldRestarts},
	}
}

func layOldRestarts(m *world.Mesh) error {
	z, agent := m.Nodes[0].Ztunnel, m.Nodes[len(m.Nodes)-1].CNI
	at := m.Now.Add(-72 * time.Hour).Truncate(time.Second)
	oom := &corev1.ContainerStateTerminated{
		Reason: "OOMKilled", ExitCode: 137, StartedAt: metav1.NewTime(at.Add(-96 * time.Hour)), FinishedAt: metav1.NewTime(at),
	}
	for _, c := range []*world.ContainerModel{&z.Pod.Container, &agent.Pod.Container} {
		c.Restarts, c.Started, c.Previous = 4, at.Add(2*time.Second), oom
	}
	z.Pod.Created, agent.Pod.Created = at.Add(-96*time.Hour), at.Add(-96*time.Hour)
	z.Began = at.Add(2 * time.Second)
	z.Before = []world.LogLine{world.Record(at.Add(-time.Minute), "info", "xds::client:xds{id=1}", "received response", fmt.Sprintf("type_url=%q size=1 removes=0", world.AddressType))}
	agent.Before = world.JoinLines([]world.LogLine{world.Record(at.Add(-time.Minute), "info", "cni-agent", "in pod mode - adding pod to ztunnel", "")}).Text
	return nil
}
