package ruletest

import (
	"context"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Match is what the selectors of a rule match in a real mesh.
type Match struct {
	Rule   string `json:"rule"`
	For    string `json:"for"`
	Items  int    `json:"items"`  // of the collection
	Chosen int    `json:"chosen"` // of them by where
	// Empty are the fields that the rule reads and that hold nothing in any
	// item that was chosen.
	Empty []string `json:"empty"`
}

// Against says what the rules that keep is true of would look at in a mesh.
func Against(ctx context.Context, engine *analyze.Engine, keep func(*rules.Rule) bool, m *mesh.Mesh) ([]Match, error) {
	var out []Match
	for _, r := range engine.Select(keep).Rules() {
		trial, err := newTrial(engine, r.ID, m)
		if err != nil {
			return nil, err
		}
		s, err := trial.choose(ctx, reads(r))
		if err != nil {
			return nil, err
		}
		out = append(out, Match{Rule: r.ID, For: r.For, Items: s.items, Chosen: s.chosen, Empty: slices.Concat([]string{}, s.empty)})
	}
	return out, nil
}

// reads are the paths of the fields that a rule reads, the longest of each.
func reads(r *rules.Rule) []rules.Expr {
	v := vocabularyOf(r)
	var out []rules.Expr
	for _, path := range v.paths {
		longer := func(other string) bool {
			return strings.HasPrefix(other, path+".") || strings.HasPrefix(other, path+"[")
		}
		if !slices.ContainsFunc(v.paths, longer) {
			out = append(out, rules.Expr{Source: path})
		}
	}
	return out
}
