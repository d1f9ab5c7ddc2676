package ruletest

import (
	"context"
	"slices"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/rules"
)

// Mutation is what the tests of a rule say to its mutants.
type Mutation struct {
	Rule    string `json:"rule"`
	Mutants int    `json:"mutants"` // that were tried
	// Excused are the mutants that the rule says no test can notice.
	Excused  int        `json:"excused"`
	Survived []Survivor `json:"survived"`
	// Defects are excuses without a mutant that survives, and tests that fail as they are.
	Defects []rules.Problem `json:"defects"`
}

// Survivor is a mutant that no test notices.
type Survivor struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Mutant string `json:"mutant"`
	// Notice is a line for a test which would notice it, where one was found:
	// under `unless` or `still` of the test named.
	Notice string `json:"notice,omitempty"`
	Under  string `json:"under,omitempty"`
	Test   string `json:"test,omitempty"`
}

// Mutate tries the tests of each rule that keep is true of on its mutants: the
// rule with one operator or literal of `where`, `let` or `when` changed, or
// one side of an operator left out.
func Mutate(ctx context.Context, engine *analyze.Engine, keep func(*rules.Rule) bool) ([]Mutation, error) {
	return parallel(ctx, engine.Select(keep).Rules(), func(r *rules.Rule) Mutation {
		m, err := mutate(ctx, engine, r)
		if err != nil && ctx.Err() == nil {
			m.Defects = append(m.Defects, analyze.Problems(err)...)
		}
		return m
	})
}

// living is a mutant that no test has noticed yet.
type living struct {
	mutant
	engine *analyze.Engine
}

func mutate(ctx context.Context, engine *analyze.Engine, r *rules.Rule) (Mutation, error) {
	out := Mutation{Rule: r.ID, Survived: []Survivor{}, Defects: []rules.Problem{}}
	alive := compiled(r)
	out.Mutants = len(alive)
	for _, t := range r.Tests {
		if len(alive) == 0 {
			break
		}
		m, err := read(ctx, t)
		if err != nil {
			return out, r.Problem("id", "%s: %v", t.Name, err)
		}
		trial, err := newTrial(engine, r.ID, m)
		if err != nil {
			return out, err
		}
		err = states(ctx, trial, t, func(s state) error {
			failure, err := s.judge(ctx, trial)
			if err == nil && failure != "" {
				err = rules.Problem{File: r.File, Line: t.Line, Column: 1, Text: t.Name + ": " + s.prefix() + failure}
			}
			if err != nil {
				return err
			}
			alive = slices.DeleteFunc(alive, func(l living) bool {
				on, err := newTrial(l.engine, r.ID, m)
				if err != nil {
					return false
				}
				failure, err := s.judge(ctx, on)
				return err == nil && failure != ""
			})
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	alive = out.excuse(r, alive)
	survivors, err := hints(ctx, engine, r, alive)
	out.Survived = append(out.Survived, survivors...)
	return out, err
}

// compiled are the mutants that can run: some fit no types.
func compiled(r *rules.Rule) []living {
	var out []living
	for _, m := range mutants(r) {
		engine, err := analyze.Compile([]*rules.Rule{m.rule})
		if err == nil {
			out = append(out, living{m, engine})
		}
	}
	return out
}

// excuse takes out the mutants that the rule gives a reason for, and names the
// excuses that excuse nothing.
func (m *Mutation) excuse(r *rules.Rule, alive []living) []living {
	for _, e := range r.Mutants {
		before := len(alive)
		alive = slices.DeleteFunc(alive, func(l living) bool { return l.text == e.Mutant })
		if len(alive) == before {
			m.Defects = append(m.Defects, rules.Problem{File: r.File, Line: e.Line, Column: 1, Text: "no mutant survives that is called \"" + e.Mutant + "\": take this excuse out"})
		}
		m.Excused += before - len(alive)
	}
	return alive
}
