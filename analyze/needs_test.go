package analyze_test

import (
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/rules"
)

func TestBuiltinRulesDeclareWhatTheyRead(t *testing.T) {
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range engine.LintNeeds() {
		t.Error(p)
	}
}
