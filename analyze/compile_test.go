package analyze_test

import (
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/rules"
)

func TestBuiltinRulesAreTyped(t *testing.T) {
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := analyze.Compile(set); err != nil {
		t.Error(err)
	}
}
