package ruletest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
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

// Run tries one test of a rule, on the rule alone unless the test is about others.
func Run(ctx context.Context, engine *analyze.Engine, r *rules.Rule, t rules.Test) Outcome {
	out := Outcome{Rule: r.ID, Test: t.Name, File: r.File, Line: t.Line}
	m, err := read(ctx, t)
	if err != nil {
		out.Failure = err.Error()
		return out
	}
	if t.Only {
		out.Failure = alone(ctx, engine, r.ID, m)
	}
	trial, err := newTrial(engine, r.ID, m)
	if err == nil {
		err = states(ctx, trial, t, func(s state) error {
			if failure, err := s.judge(ctx, trial); err != nil || failure == "" {
				return err
			} else {
				return fmt.Errorf("%s%s", s.prefix(), failure)
			}
		})
	}
	if err != nil && out.Failure == "" {
		out.Failure = err.Error()
	}
	return out
}

// read makes the mesh of a test's world.
func read(ctx context.Context, t rules.Test) (*mesh.Mesh, error) {
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
	return m, nil
}

// state is one that a test brings a mesh into, with what the rule is to say of it.
type state struct {
	alteration string // "" for the world as the test changed it
	subjects   []string
	tells      []string
	undecided  bool
	// gaps is true where the world has them already, beside what the rule finds.
	gaps bool
	// unmade is true where what is over, or left as a hint, counts as no longer found.
	unmade bool
}

func (s state) prefix() string {
	if s.alteration == "" {
		return ""
	}
	return "with " + s.alteration + ": "
}

// states brings the mesh of a trial into each state of a test in turn. The
// first error of visit ends it.
func states(ctx context.Context, trial *ruleTrial, t rules.Test, visit func(state) error) error {
	plain := state{subjects: slices.Sorted(slices.Values(t.Expect)), undecided: t.Undecided, tells: t.Tells}
	if err := visit(plain); err != nil || len(t.Unless)+len(t.Still) == 0 {
		return err
	}
	found, err := trial.run(ctx)
	if err != nil {
		return err
	}
	for i, a := range slices.Concat(t.Unless, t.Still) {
		s := state{alteration: a.Source, gaps: found.undecided}
		if i >= len(t.Unless) {
			s.subjects = plain.subjects
		} else {
			s.unmade = true
		}
		restore, err := trial.alter(ctx, a, found.items)
		if err != nil {
			return err
		}
		err = visit(s)
		restore()
		if err != nil {
			return err
		}
	}
	return nil
}

// judge compares what a rule finds with what the state expects; "" where they are the same.
func (s state) judge(ctx context.Context, trial *ruleTrial) (string, error) {
	j, err := trial.run(ctx)
	if err != nil {
		return "", err
	}
	found := subjects(j)
	if s.unmade {
		found = slices.DeleteFunc(found, func(name string) bool { return strings.HasSuffix(name, ")") })
	}
	switch {
	case s.undecided && !j.undecided:
		return "expected undecided, " + told(found, j.undecided), nil
	case s.undecided && len(found) > 0:
		return "expected undecided and no finding, " + told(found, j.undecided), nil
	case !s.undecided && !slices.Equal(found, s.subjects):
		return fmt.Sprintf("expected %s, %s", list(s.subjects), told(found, j.undecided)), nil
	case !s.undecided && len(s.subjects) == 0 && j.undecided && !s.gaps:
		return "expected a decision and no finding, the rule is undecided", nil
	}
	for _, text := range s.tells {
		if !slices.ContainsFunc(j.told, func(told string) bool { return strings.Contains(told, text) }) {
			return fmt.Sprintf("expected it to tell of %q, it says: %s", text, strings.Join(j.told, " ")), nil
		}
	}
	return "", nil
}

func subjects(j *judgement) []string {
	var out []string
	for i, s := range j.subjects {
		name := s.Kind + " " + strings.TrimPrefix(s.Namespace+"/"+s.Name, "/")
		if j.notes[i] != "" {
			name += " (" + j.notes[i] + ")"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// alone says which other rule finds something above a notice.
func alone(ctx context.Context, engine *analyze.Engine, id string, m *mesh.Mesh) string {
	outcome, err := engine.Run(ctx, m)
	if err != nil {
		return err.Error()
	}
	for _, f := range outcome.Findings {
		if f.ID != id && f.Severity.AtLeast(result.Warning) {
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
	of, err := parallel(ctx, engine.Select(keep).Rules(), func(r *rules.Rule) []Outcome {
		var out []Outcome
		for _, t := range r.Tests {
			if ctx.Err() == nil {
				out = append(out, Run(ctx, engine, r, t))
			}
		}
		return out
	})
	return slices.Concat([]Outcome{}, slices.Concat(of...)), err
}

// parallel does the same for each rule, on every processor, and keeps their order.
func parallel[T any](ctx context.Context, set []*rules.Rule, do func(*rules.Rule) T) ([]T, error) {
	out := make([]T, len(set))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(set)) {
		workers.Go(func() {
			for i := range next {
				out[i] = do(set[i])
			}
		})
	}
	for i := range set {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return out, context.Cause(ctx)
}
