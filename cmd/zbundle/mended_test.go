package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

// tenFaults are planted one after the other, each mended before the next, with
// the rules that what is left of them in the logs is told by.
var tenFaults = []string{
	"policy-denied", "waypoint-l4-policy-broken", "hbone-refused", "hbone-15008-blocked", "peer-san-mismatch", "cert-unavailable",
	"hbone-h2-failure", "hbone-503-400-other", "hbone-tls-failure", "ip-collision-mtls",
}

// after is how many minutes there are between two of them.
const after = 26

func TestWhatWasMendedIsOverAndOnlyWhatIsPresentIsFound(t *testing.T) {
	atLength(t)
	bin := built(t)
	for step := range len(tenFaults) + 1 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			t.Parallel()
			g := &sim.Generate{Nodes: small.nodes, Workloads: small.workloads, Seed: 7, Version: "1.28.9"}
			if step < len(tenFaults) {
				g.Faults = tenFaults[step : step+1]
			}
			for i, name := range tenFaults[:step] {
				g.Mended = append(g.Mended, fmt.Sprintf("%s@%d", name, (step-i)*after))
			}
			r, _ := examine(t, bin, sim.Options{Generate: g})
			var present []string
			for _, f := range r.at("critical", "error", "warning", "notice") {
				present = append(present, f.ID)
			}
			switch {
			case step == len(tenFaults) && len(present) > 0:
				t.Errorf("all are mended, and found are %v", r.named("critical", "error", "warning", "notice"))
			case step < len(tenFaults) && (len(present) != 1 || present[0] != foundAs(tenFaults[step])):
				t.Errorf("%s is present, and found are %v", tenFaults[step], r.named("critical", "error", "warning", "notice"))
			}
			for _, name := range tenFaults[:step] {
				at := slices.IndexFunc(r.Past, func(f finding) bool { return f.ID == pastOf(name) })
				if at < 0 {
					t.Errorf("%s is not told as over, only %v", name, r.pastIDs())
				} else if r.Past[at].Last == "" {
					t.Errorf("when %s was is not told", name)
				}
			}
		})
	}
}

func TestAFaultThatComesAndGoesGoesOn(t *testing.T) {
	atLength(t)
	r, _ := examine(t, built(t), sim.Options{Generate: &sim.Generate{
		Nodes: small.nodes, Workloads: small.workloads, Seed: 7, Version: "1.28.9",
		Mended: []string{"hbone-refused@26", "hbone-refused@52", "hbone-refused@78", "hbone-refused@104"},
	}})
	if found := r.named("critical", "error", "warning"); len(found) != 1 || !strings.HasPrefix(found[0], "hbone-refused") {
		t.Errorf("found %v, and as over %v", found, r.pastIDs())
	}
}

// pastOf is the rule that tells what a fault left in the logs, where its own
// judges what stands now.
func pastOf(fault string) string {
	switch fault {
	case "hbone-refused":
		return "hbone-refused" // present, it is told by the pod that its ztunnel does not hold
	case "cert-unavailable":
		return "hbone-identity-failure"
	}
	return foundAs(fault)
}

func (r said) pastIDs() []string {
	var ids []string
	for _, f := range r.Past {
		ids = append(ids, f.ID)
	}
	return ids
}
