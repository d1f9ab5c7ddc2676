package analyze

import (
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/rules"
)

// Choose is the engine with the rules that only names, all where it names
// none, without those that skip names: by id, by a pattern of ids ("hbone-*")
// or by category. A name that no rule has is an error.
func (e *Engine) Choose(only, skip []string) (*Engine, error) {
	for _, name := range slices.Concat(only, skip) {
		if !slices.ContainsFunc(e.rules, func(r *rule) bool { return goesBy(name, r.Rule) }) {
			return nil, fmt.Errorf("no rule has the id or category %q; zbundle rules list shows all", name)
		}
	}
	among := func(names []string, r *rules.Rule) bool {
		return slices.ContainsFunc(names, func(name string) bool { return goesBy(name, r) })
	}
	return e.Select(func(r *rules.Rule) bool {
		return (len(only) == 0 || among(only, r)) && !among(skip, r)
	}), nil
}

func goesBy(name string, r *rules.Rule) bool { return name == r.Category || rules.Matches(name, r.ID) }

// Check finds suppressions of rules that do not exist.
func (e *Engine) Check(suppressions []Suppression) error {
	for _, s := range suppressions {
		if !slices.ContainsFunc(e.rules, func(r *rule) bool { return rules.Matches(s.ID, r.ID) }) {
			return fmt.Errorf("no rule has the id %q; zbundle rules list shows all", s.ID)
		}
	}
	return nil
}
