package collect

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/sim"
)

func TestASecondLookThatIsDueNeedsNoConnectionOfItsOwn(t *testing.T) {
	// Two istiods, a waypoint, and on each of three nodes a ztunnel and a CNI agent.
	for name, test := range map[string]struct {
		opts Options
		want map[int]int // how many pods were connected to so often
	}{
		"due at once": {Options{MetricsInterval: time.Nanosecond}, map[int]int{1: 7, 2: 2}},
		"due before the one dump that is in the budget": {Options{MetricsInterval: time.Nanosecond, Budget: 1}, map[int]int{1: 6, 2: 3}},
		"due when all is done":                          {Options{MetricsInterval: 3 * time.Second}, map[int]int{1: 3, 2: 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := &sim.Generate{Nodes: 3, Workloads: 12, Seed: 1, Version: "1.30.3"}
			got := collectFrom(t, sim.Options{Generate: world}, test.opts)
			opened := map[string]int{}
			for _, r := range got.requests {
				if path, ok := strings.CutSuffix(r.Path, "/portforward"); ok && r.Target == "api-server" {
					opened[path]++
				}
			}
			times := map[int]int{}
			for _, n := range opened {
				times[n]++
			}
			if diff := cmp.Diff(test.want, times); diff != "" {
				t.Errorf("connections: %s", diff)
			}
			looks := map[string]int{}
			for _, task := range got.manifest.Tasks {
				if strings.HasSuffix(task.ID, layout.AfterTask("/metrics")) {
					looks[task.ID]++
				}
			}
			if diff := cmp.Diff(map[string]int{"ztunnel/metrics-after": 3, "istiod/metrics-after": 2, "waypoint/metrics-after": 1}, looks); diff != "" {
				t.Errorf("second looks: %s", diff)
			}
		})
	}
}
