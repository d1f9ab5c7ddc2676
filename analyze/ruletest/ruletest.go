package ruletest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Outcome is how one test of a rule ended.
type Outcome struct {
	Rule string `json:"rule"`
	Test string `json:"test"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Failure says what was expected and what came; "" where the test passed.
	Failure string `json:"failure,omitempty"`
}

// Run tries one test of a rule, with all rules of the engine.
func Run(ctx context.Context, engine *analyze.Engine, r *rules.Rule, t rules.Test) Outcome {
	out := Outcome{Rule: r.ID, Test: t.Name, File: r.File, Line: t.Line}
	result, err := examine(ctx, engine, t)
	if err != nil {
		out.Failure = err.Error()
		return out
	}
	out.Failure = judge(result, r.ID, t)
	return out
}

func examine(ctx context.Context, engine *analyze.Engine, t rules.Test) (*analyze.Outcome, error) {
	w, err := open(t.World)
	if err != nil {
		return nil, err
	}
	for _, c := range t.Change {
		if err := w.change(c); err != nil {
			return nil, err
		}
	}
	m, summary, err := load.Mesh(ctx, w)
	if err != nil {
		return nil, err
	}
	if len(summary.Problems) > 0 {
		return nil, fmt.Errorf("the changed world can't be read: %s: %s", summary.Problems[0].Path, summary.Problems[0].Text)
	}
	return engine.Run(ctx, m)
}

// judge compares what a rule found with what the test expects.
func judge(result *analyze.Outcome, id string, t rules.Test) string {
	undecided := slices.ContainsFunc(result.Undecided, func(u analyze.Undecided) bool { return u.ID == id })
	found := subjects(result.Findings, id)
	want := slices.Sorted(slices.Values(t.Expect))
	switch {
	case t.Undecided && !undecided:
		return fmt.Sprintf("expected undecided, %s", told(found, undecided))
	case t.Undecided && len(found) > 0:
		return fmt.Sprintf("expected undecided and no finding, %s", told(found, undecided))
	case !t.Undecided && !slices.Equal(found, want):
		return fmt.Sprintf("expected %s, %s", list(want), told(found, undecided))
	case !t.Undecided && len(want) == 0 && undecided:
		return "expected a decision and no finding, the rule is undecided"
	}
	if t.Only {
		return others(result.Findings, id)
	}
	return ""
}

// subjects of all findings of a rule, at the top or explained by another.
func subjects(findings []*analyze.Finding, id string) []string {
	var out []string
	for _, f := range findings {
		if f.ID == id {
			for _, s := range f.Subjects {
				out = append(out, name(s))
			}
		}
		out = append(out, subjects(f.Explains, id)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func name(s mesh.Subject) string {
	return s.Kind + " " + strings.TrimPrefix(s.Namespace+"/"+s.Name, "/")
}

// others names the findings above a notice that the test rules out.
func others(findings []*analyze.Finding, id string) string {
	severities := rules.Severities()
	for _, f := range findings {
		if f.ID != id && slices.Index(severities, f.Severity) < slices.Index(severities, rules.Notice) {
			return fmt.Sprintf("expected no other finding, and %s was found: %s", f.ID, f.Message)
		}
	}
	return ""
}

func told(found []string, undecided bool) string {
	if undecided && len(found) == 0 {
		return "the rule is undecided"
	}
	return "found " + list(found)
}

func list(names []string) string {
	if len(names) == 0 {
		return "no finding"
	}
	return strings.Join(names, ", ")
}

// All runs the tests of the rules that keep is true of, in the order of the rules.
func All(ctx context.Context, engine *analyze.Engine, keep func(*rules.Rule) bool) ([]Outcome, error) {
	out := []Outcome{}
	for _, r := range engine.Rules() {
		if !keep(r) {
			continue
		}
		for _, t := range r.Tests {
			if ctx.Err() != nil {
				return out, context.Cause(ctx)
			}
			out = append(out, Run(ctx, engine, r, t))
		}
	}
	return out, nil
}
