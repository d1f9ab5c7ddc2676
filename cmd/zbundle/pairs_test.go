package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// TestTwoFaultsAreBothFound takes one pair in thirty of those that make accuracy tries.
func TestTwoFaultsAreBothFound(t *testing.T) {
	atLength(t)
	var trials []trial
	var planted [][2]string
	for i, p := range pairs(faultNames()) {
		if i%30 == 0 {
			planted = append(planted, p)
			trials = append(trials, trial{opts: generated(roomy, p[:], nil)})
		}
	}
	apart := 0
	for i, r := range tried(t, trials, false) {
		if errors.Is(r.err, sim.ErrNoSubject) {
			apart++ // the one leaves nothing to plant the other on
			continue
		}
		missed, others := r.verdictOf(planted[i][:]...)
		if len(missed)+len(others) > 0 {
			t.Errorf("%v: missed %v, false alarms %v", planted[i], missed, others)
		}
	}
	if apart > len(trials)/4 {
		t.Errorf("%d of %d pairs have no room for both", apart, len(trials))
	}
}

// TestACauseStandsOverItsSymptom: worst first, and each symptom under its cause.
func TestACauseStandsOverItsSymptom(t *testing.T) {
	atLength(t)
	tests := []struct {
		name          string
		planted, want []string
	}{
		{"of the same pod, beside a fault of its own", []string{"pod-enrolment-pending", "hbone-refused"},
			[]string{"pod-enrolled-not-in-ztunnel", "pod-enrolled-not-in-ztunnel > hbone-refused", "pod-enrolment-pending"}},
		{"of the node's CNI agent", []string{"cni-config-shadowed=node-0001", "pod-not-enrolled=node-0001"},
			[]string{"cni-config-shadowed", "cni-config-shadowed > pod-not-enrolled"}},
		{"of the network that is called", []string{"mc-no-network-gateway", "mc-gateway-unknown-in-ztunnel"},
			[]string{"mc-no-network-gateway", "mc-no-network-gateway > mc-gateway-unknown-in-ztunnel"}},
		{"of the whole mesh", []string{"cilium-exclusive", "cni-config-fight"},
			[]string{"cilium-exclusive", "cilium-exclusive > cni-config-fight"}},
	}
	var trials []trial
	for _, test := range tests {
		trials = append(trials, trial{name: test.name, opts: generated(roomy, test.planted, nil)})
	}
	for i, r := range tried(t, trials, false) {
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
			continue
		}
		var order []string
		for _, f := range r.result.at(faults...) {
			order = append(order, f.ID)
			for _, symptom := range f.Explains {
				order = append(order, f.ID+" > "+symptom.ID)
			}
		}
		if diff := cmp.Diff(tests[i].want, order); diff != "" {
			t.Errorf("%s: findings (-want +found):\n%s", r.name, diff)
		}
	}
}

// TestFaultsAreFoundInALargeMesh takes one fault in forty.
func TestFaultsAreFoundInALargeMesh(t *testing.T) {
	atLength(t)
	names := faultNames()
	var trials []trial
	for i := 0; i < len(names); i += 40 {
		trials = append(trials, trial{name: names[i], opts: generated(large, []string{names[i]}, nil)})
	}
	for _, r := range tried(t, trials, false) {
		if missed, others := r.verdictOf(r.name); len(missed)+len(others) > 0 {
			t.Errorf("%s: missed %v, false alarms %v", r.name, missed, others)
		}
	}
}

// TestRollUpLosesNothing plants one fault on many: one finding names them all.
func TestRollUpLosesNothing(t *testing.T) {
	atLength(t)
	first := []trial{{opts: sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 60, Seed: 1, Version: "1.30.3", Faults: slices.Repeat([]string{"pod-enrolment-pending"}, 20)}}}}
	tried(t, first, false)
	r := first[0]
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.result.Findings) != 1 || len(r.result.Findings[0].Subjects) != 20 || len(r.result.Findings[0].Evidence) < 20 {
		t.Errorf("found %v", r.result.named(faults...))
	}
}
