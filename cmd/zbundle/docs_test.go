package main

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryDependencyHasItsReason holds docs/dependencies.md to go.mod.
func TestEveryDependencyHasItsReason(t *testing.T) {
	find := func(file, pattern string) []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
		slices.Sort(out)
		return out
	}
	required := find("../../go.mod", `(?m)^\t(\S+) v\S+$`)
	explained := find("../../docs/dependencies.md", "(?m)^\\| `([^`]+)` \\| \\S.*\\|$")
	if diff := cmp.Diff(required, explained); diff != "" {
		t.Errorf("docs/dependencies.md (-go.mod +page):\n%s", diff)
	}
}
