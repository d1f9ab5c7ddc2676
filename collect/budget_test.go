package collect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/sim"
)

// meshOf is a run with a budget that has seen n nodes in three zones and two pools.
func meshOf(t *testing.T, n int, budget int64) *run {
	t.Helper()
	r, err := newRun(&rest.Config{}, "", Options{NoLogs: true, Budget: budget}, Quiet{})
	if err != nil {
		t.Fatal(err)
	}
	r.survey.pods = 10_000
	for i := range n {
		name := fmt.Sprintf("node-%02d", i)
		r.survey.nodes[name] = node{zone: string(rune('a' + i%3)), pool: string(rune('p' + i/3%2))}
		r.survey.targets = append(r.survey.targets, target{kind: kindZtunnel, namespace: "istio-system", name: "ztunnel-" + name, node: name, running: true, ready: true})
	}
	return r
}

// takenNodes are those whose dump is taken.
func takenNodes(r *run) []string {
	var out []string
	for _, t := range r.survey.targets {
		if r.budget.rations(t) == "" {
			out = append(out, t.node)
		}
	}
	return out
}

func TestTheSickComeFirstAndThenAnEvenSample(t *testing.T) {
	r := meshOf(t, 60, 1)
	r.survey.targets[7].ready = false
	r.survey.targets[23].restarted = true
	r.survey.enrolled["node-41"] = 5
	r.observed.active["istio-system/ztunnel-node-41"] = 4
	rest, _ := r.selection.planned()
	r.budget.opts.Budget = rest + 15*r.budget.dumpBytes() + 1
	r.budget.ration(rest, r.scope)
	taken := takenNodes(r)
	if len(taken) != 15 {
		t.Fatalf("%d dumps are taken: %v", len(taken), taken)
	}
	for _, sick := range []string{"node-07", "node-23", "node-41"} {
		if !slices.Contains(taken, sick) {
			t.Errorf("%s is sick and left out", sick)
		}
	}
	places := map[string]int{}
	for _, name := range taken {
		if !slices.Contains([]string{"node-07", "node-23", "node-41"}, name) {
			n := r.survey.nodes[name]
			places[n.zone+n.pool]++
		}
	}
	if diff := cmp.Diff(map[string]int{"ap": 2, "aq": 2, "bp": 2, "bq": 2, "cp": 2, "cq": 2}, places); diff != "" {
		t.Errorf("the sample of the others (-want +got):\n%s", diff)
	}
}

func TestABudgetThatIsEnoughOrNoneTakesAll(t *testing.T) {
	for _, budget := range []int64{0, 1 << 40} {
		r := meshOf(t, 20, budget)
		r.budget.ration(0, r.scope)
		if n := len(takenNodes(r)); n != 20 {
			t.Errorf("budget %d: %d of 20 dumps are taken", budget, n)
		}
	}
}

func TestOneDumpIsTakenWhateverTheBudget(t *testing.T) {
	r := meshOf(t, 20, 1)
	r.budget.ration(0, r.scope)
	if n := len(takenNodes(r)); n != 1 {
		t.Errorf("%d of 20 dumps are taken", n)
	}
}

// TestARationedRunTakesEverythingSmall collects from a mesh in which one
// ztunnel restarted, with a budget for one dump.
func TestARationedRunTakesEverythingSmall(t *testing.T) {
	world := &sim.Generate{Nodes: 4, Workloads: 20, Seed: 1, Version: "1.30.3", Faults: []string{"ztunnel-crashloop"}}
	got := collectFrom(t, sim.Options{Generate: world}, Options{Budget: 1})
	byID := map[string]map[bundle.Status]int{}
	for _, task := range got.manifest.Tasks {
		if byID[task.ID] == nil {
			byID[task.ID] = map[bundle.Status]int{}
		}
		byID[task.ID][task.Status]++
		if task.ID == "ztunnel/config_dump" && task.Status == bundle.StatusSkipped && !strings.HasPrefix(task.Reason, "budget: ") {
			t.Errorf("skipped because %q", task.Reason)
		}
	}
	if n := byID["ztunnel/config_dump"][bundle.StatusSkipped]; n != 3 {
		t.Errorf("%d of 4 dumps are left out: %v", n, byID["ztunnel/config_dump"])
	}
	if n := byID[metricsTask][bundle.StatusOK]; n < 3 {
		t.Errorf("metrics: %v", byID[metricsTask])
	}
	if !strings.Contains(got.said, "--budget 0") {
		t.Errorf("the budget is not spoken of beforehand:\n%s", got.said)
	}
}
