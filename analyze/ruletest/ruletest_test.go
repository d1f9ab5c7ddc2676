package ruletest

import (
	"strings"
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/rules"
)

func builtin(t *testing.T) ([]*rules.Rule, *analyze.Engine) {
	t.Helper()
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	return set, engine
}

func TestTheHealthyWorldIsCleanAndDecided(t *testing.T) {
	_, engine := builtin(t)
	w, err := open("healthy")
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := load.Mesh(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	result, err := engine.Run(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		t.Errorf("found %s: %s", f.ID, f.Message)
	}
	for _, u := range result.Undecided {
		t.Errorf("undecided %s: %s", u.ID, strings.Join(u.Reasons, "; "))
	}
}

// TestBuiltinRules runs the tests that stand in the rule files. Each rule has
// one that finds something, one that a look-alike does not mislead, and one
// without its evidence.
func TestBuiltinRules(t *testing.T) {
	set, engine := builtin(t)
	for _, r := range set {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			var positive, negative, undecided bool
			for _, test := range r.Tests {
				positive = positive || len(test.Expect) > 0
				negative = negative || len(test.Expect) == 0 && !test.Undecided
				undecided = undecided || test.Undecided
				if out := Run(t.Context(), engine, r, test); out.Failure != "" {
					t.Errorf("%s:%d: %s: %s", out.File, out.Line, out.Test, out.Failure)
				}
			}
			if !positive || !negative || !undecided {
				t.Errorf("lacks a kind of test: finding %t, no finding %t, undecided %t", positive, negative, undecided)
			}
		})
	}
}

// TestBuiltinRulesPassMutation has each mutant of each rule noticed by some test of the rule.
func TestBuiltinRulesPassMutation(t *testing.T) {
	_, engine := builtin(t)
	mutations, err := Mutate(t.Context(), engine, func(*rules.Rule) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		for _, d := range m.Defects {
			t.Errorf("%s: %v", m.Rule, d)
		}
		for _, s := range m.Survived {
			t.Errorf("%s:%d:%d: no test notices: %s", s.File, s.Line, s.Column, s.Mutant)
		}
	}
}
