package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryDependencyHasItsReason holds docs/dependencies.md to go.mod.
func TestEveryDependencyHasItsReason(t *testing.T) {
	required := matches(t, "../../go.mod", `(?m)^\t(\S+) v\S+$`)
	explained := matches(t, "../../docs/dependencies.md", firstColumn)
	if diff := cmp.Diff(required, explained); diff != "" {
		t.Errorf("docs/dependencies.md (-go.mod +page):\n%s", diff)
	}
}

// TestTheMapNamesEveryPackage holds the map in CONTRIBUTING.md to the packages that there are.
func TestTheMapNamesEveryPackage(t *testing.T) {
	out, err := exec.Command("go", "list", "-C", "../..", "-f", `{{slice .ImportPath (len .Module.Path)}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(strings.ReplaceAll(string(out), "\n/", "\n"))
	packages[0] = strings.TrimPrefix(packages[0], "/")
	slices.Sort(packages)
	if diff := cmp.Diff(packages, matches(t, "../../CONTRIBUTING.md", firstColumn)); diff != "" {
		t.Errorf("CONTRIBUTING.md (-packages +map):\n%s", diff)
	}
}

// firstColumn matches the rows of a table whose first column is in backquotes, and that have a second one.
const firstColumn = "(?m)^\\| `([^`]+)` \\| \\S.*\\|$"

// matches are the first groups of a pattern's matches in a file, sorted.
func matches(t *testing.T, file, pattern string) []string {
	t.Helper()
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
