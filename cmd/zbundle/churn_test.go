package main

import (
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

func TestPodsThatRestartWhileWeCollectAreInFlightAndNoFault(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		restartsAreInFlight(t, sim.Generate{Nodes: 20, Workloads: 200, Seed: seed, Version: "1.30.3", Churn: 0.05})
	}
}

func TestFiftyPodsThatRestartAmongAThousandAreInFlightAndNoFault(t *testing.T) {
	atLength(t)
	restartsAreInFlight(t, sim.Generate{Nodes: 30, Workloads: 1000, Seed: 4, Version: "1.30.3", Churn: 0.05})
}

// restartsAreInFlight wants most of the restarts to be seen, some of which end before anything is
// looked at and some begin after, and nothing to be found.
func restartsAreInFlight(t *testing.T, g sim.Generate) {
	t.Helper()
	r, _ := examine(t, built(t), sim.Options{Generate: &g})
	if found := r.named("critical", "error", "warning", "notice", "hint"); len(found) > 0 {
		t.Errorf("seed %d: found %v", g.Seed, found)
	}
	came, went := 0, 0
	for _, c := range r.InFlight {
		if c.Subject.Kind != "pod" {
			t.Errorf("seed %d: %s %s/%s is in flight", g.Seed, c.Subject.Kind, c.Subject.Namespace, c.Subject.Name)
		}
		if strings.HasPrefix(c.What, "came") {
			came++
		}
		if strings.HasPrefix(c.What, "went") {
			went++
		}
	}
	if most := int(g.Churn*float64(g.Workloads)) / 2; came < most || went < most {
		t.Errorf("seed %d: %d pods came and %d went, want %d or more of both", g.Seed, came, went, most)
	}
}

func TestNothingIsInFlightInAMeshThatRests(t *testing.T) {
	r, _ := examine(t, built(t), sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3"}})
	if len(r.InFlight) > 0 || r.Verdict != "clean" {
		t.Errorf("verdict %s, in flight: %v", r.Verdict, r.InFlight)
	}
}
