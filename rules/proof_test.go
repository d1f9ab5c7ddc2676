package rules_test

import (
	"testing"

	"github.com/zbundle/zbundle/rules"
)

func TestEveryBuiltinRuleIsProvenAsItIs(t *testing.T) {
	all, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := rules.Proofs()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if proofs[r.ID].Hash != r.Hash {
			t.Errorf("rule %s has changed since it was proven; run make prove", r.ID)
		}
		delete(proofs, r.ID)
	}
	for id := range proofs {
		t.Errorf("proven.lock has rule %s, which there is none of; run make prove", id)
	}
}
