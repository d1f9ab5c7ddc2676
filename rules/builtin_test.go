package rules_test

import (
	"testing"

	"github.com/zbundle/zbundle/rules"
)

func TestBuiltinRulesAreWhole(t *testing.T) {
	all, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	problems, doubts := rules.Check(all)
	for _, p := range append(problems, doubts...) {
		t.Error(p)
	}
	for _, r := range all {
		if r.File != r.ID+".yaml" {
			t.Errorf("rule %s stands in %s", r.ID, r.File)
		}
		if len(r.Docs) == 0 {
			t.Errorf("rule %s has no docs", r.ID)
		}
	}
}
