package rules_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/zbundle/zbundle/rules"
)

// TestTheCatalogueNamesRulesThatAreThere holds catalogue.yaml to the built-in rules: each failure
// mode has one that finds it, or a reason why none can.
func TestTheCatalogueNamesRulesThatAreThere(t *testing.T) {
	text, err := os.ReadFile("catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]map[string]struct {
		Rule        string
		Also        []string
		Undecidable string
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&sections); err != nil {
		t.Fatal(err)
	}
	all, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range all {
		known[r.ID] = true
	}
	for section, modes := range sections {
		if !slices.Contains(rules.Categories(), section) {
			t.Errorf("section %q is no category of rules", section)
		}
		for mode, by := range modes {
			if (by.Rule == "") == (by.Undecidable == "") {
				t.Errorf("%s: want either a rule or why it can't be decided", mode)
			}
			for _, id := range append(by.Also, by.Rule) {
				if id != "" && !known[id] {
					t.Errorf("%s: no rule has the id %q", mode, id)
				}
			}
		}
	}
}
