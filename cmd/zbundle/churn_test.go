package main

import (
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

func TestPodsThatRestartWhileWeCollectAreInFlightAndNoFault(t *testing.T) {
	bin := built(t)
	for _, seed := range []uint64{1, 2, 3} {
		r, _ := examine(t, bin, sim.Options{Generate: &sim.Generate{Nodes: 20, Workloads: 200, Seed: seed, Version: "1.30.3", Churn: 0.05}})
		if found := r.named("critical", "error", "warning"); len(found) > 0 {
			t.Errorf("seed %d: found %v", seed, found)
		}
		came, went := 0, 0
		for _, c := range r.InFlight {
			if c.Subject.Kind != "pod" {
				t.Errorf("seed %d: %s %s/%s is in flight", seed, c.Subject.Kind, c.Subject.Namespace, c.Subject.Name)
			}
			if strings.HasPrefix(c.What, "came") {
				came++
			}
			if strings.HasPrefix(c.What, "went") {
				went++
			}
		}
		if came == 0 || went == 0 {
			t.Errorf("seed %d: %d pods came and %d went, want some of both", seed, came, went)
		}
	}
}

func TestNothingIsInFlightInAMeshThatRests(t *testing.T) {
	r, _ := examine(t, built(t), sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3"}})
	if len(r.InFlight) > 0 || r.Verdict != "clean" {
		t.Errorf("verdict %s, in flight: %v", r.Verdict, r.InFlight)
	}
}
