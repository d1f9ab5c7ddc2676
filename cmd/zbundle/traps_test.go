package main

import (
	"slices"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

// above are the severities worse than a trap's ceiling.
var above = map[string][]string{
	"":       {"critical", "error", "warning", "notice", "hint"},
	"hint":   {"critical", "error", "warning", "notice"},
	"notice": {"critical", "error", "warning"},
}

func TestNoTrapIsTakenForAFault(t *testing.T) {
	atLength(t)
	bin := built(t)
	for _, trap := range sim.Traps() {
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			opts := sim.Options{Generate: &sim.Generate{Nodes: 4, Workloads: 48, Seed: 1, Version: "1.30.3", Traps: []string{trap.Name}}}
			r, _ := examine(t, bin, opts)
			if found := r.named(above[trap.Ceiling]...); len(found) > 0 {
				t.Errorf("%s: found %v; nothing above %q may be", trap.Title, found, trap.Ceiling)
			}
		})
	}
}

func TestTrapsHaveNamesAndCeilingsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, trap := range sim.Traps() {
		if seen[trap.Name] || trap.Title == "" || !slices.Contains([]string{"", "hint", "notice"}, trap.Ceiling) {
			t.Errorf("%+v", trap)
		}
		seen[trap.Name] = true
	}
}
