package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/rules"
)

// Holds that each built-in rule, as it is now, was run on every planted fault
// and every recorded mesh, and that proven.lock tells in which of them it found
// something. The hash of its file stands for the rule: any edit but of its tests
// makes the proof stale, and only running them all again (make prove) renews it.
func TestEveryBuiltinRuleIsProvenAsItIs(t *testing.T) {
	all, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := rules.Proofs()
	if err != nil {
		t.Fatal(err)
	}
	var stale []string
	for _, r := range all {
		switch proof, ok := proofs[r.ID]; {
		case !ok:
			stale = append(stale, r.ID+" (new)")
		case proof.Hash != r.Hash:
			stale = append(stale, r.ID)
		}
		delete(proofs, r.ID)
	}
	for id := range proofs {
		stale = append(stale, id+" (removed)")
	}
	slices.Sort(stale)
	if len(stale) > 0 {
		t.Errorf("rules/proven.lock is stale: %d rules have changed since they were run on all planted faults and recordings.\n"+
			"Run `make prove`, check what it changed in the lock, and commit it.\nChanged: %s", len(stale), strings.Join(stale, ", "))
	}
}
