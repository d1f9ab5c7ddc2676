package ruletest

import (
	"context"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// Example is what a rule finds in its first test that finds something; nil
// where it has none.
func Example(ctx context.Context, engine *analyze.Engine, r *rules.Rule) (*result.Finding, error) {
	alone := engine.Select(func(other *rules.Rule) bool { return other.ID == r.ID })
	for _, t := range r.Tests {
		if len(t.Expect) == 0 {
			continue
		}
		m, err := read(ctx, t)
		if err != nil {
			return nil, err
		}
		result, err := alone.Run(ctx, m)
		if err != nil {
			return nil, err
		}
		if len(result.Findings) > 0 {
			return result.Findings[0], nil
		}
	}
	return nil, nil
}
