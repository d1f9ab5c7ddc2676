package ruletest

import (
	"context"
	"slices"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/rules"
)

// maxPairs bounds how many pairs of alterations are tried for a hint.
const maxPairs = 20_000

// hints looks for each mutant for an alteration that sets it apart from the
// rule, on what the rule's tests find.
func hints(ctx context.Context, engine *analyze.Engine, r *rules.Rule, alive []living) ([]Survivor, error) {
	var out []Survivor
	if len(alive) == 0 {
		return nil, nil
	}
	single := candidates(r)
	for _, t := range r.Tests {
		if len(t.Expect) == 0 || len(alive) == 0 {
			continue
		}
		m, err := read(ctx, t)
		if err != nil {
			return nil, err
		}
		trial, err := newTrial(engine, r.ID, m)
		if err != nil {
			return nil, err
		}
		found, err := trial.run(ctx)
		if err != nil {
			return nil, err
		}
		try := func(a rules.Alteration) (ok bool) {
			restore, err := trial.alter(ctx, a, found.items)
			if err != nil {
				return false
			}
			defer restore()
			ok = true
			now, err := trial.run(ctx)
			if err != nil {
				return ok
			}
			under, s := "", state{gaps: found.undecided}
			switch {
			case now.undecided && !found.undecided:
				return ok
			case len(now.subjects) == 0:
				under = "unless"
			case slices.Equal(subjects(now), subjects(found)):
				under, s.subjects = "still", subjects(found)
			default:
				return ok
			}
			alive = slices.DeleteFunc(alive, func(l living) bool {
				on, err := newTrial(l.engine, r.ID, m)
				if err != nil {
					return false
				}
				failure, err := s.judge(ctx, on)
				if err != nil || failure == "" {
					return false
				}
				out = append(out, l.survivor(r, a.Source, under, t.Name))
				return true
			})
			return ok
		}
		var fit []rules.Alteration
		for _, a := range single {
			if try(a) {
				fit = append(fit, a)
			}
		}
		tried := 0
		for i, a := range fit {
			for _, b := range fit[i+1:] {
				if len(alive) == 0 || tried == maxPairs || a.Sets[0].Path.Source == b.Sets[0].Path.Source {
					continue
				}
				tried++
				try(rules.Alteration{Expr: rules.Expr{Source: a.Source + "; " + b.Source}, Sets: slices.Concat(a.Sets, b.Sets)})
			}
		}
	}
	for _, l := range alive {
		out = append(out, l.survivor(r, "", "", ""))
	}
	slices.SortStableFunc(out, func(a, b Survivor) int { return a.Line - b.Line })
	return out, nil
}

func (l living) survivor(r *rules.Rule, notice, under, test string) Survivor {
	return Survivor{File: r.File, Line: l.line, Column: l.column, Mutant: l.text, Notice: notice, Under: under, Test: test}
}

// candidates are alterations of what the rule reads, to values that it knows.
func candidates(r *rules.Rule) []rules.Alteration {
	v := vocabularyOf(r)
	values := slices.Concat([]string{"false", "true", `"other"`, "nil", "[]"}, v.values, []string{"0", "1", "2", `""`, `["other"]`}, v.paths)
	var out []rules.Alteration
	seen := map[string]bool{}
	for _, path := range v.paths {
		values := values
		if slices.Contains(v.counted, path) {
			values = append(slices.Clone(values), path+"[:1]", path+"[:2]")
		}
		for _, value := range values {
			source := path + " = " + value
			if value == path || seen[source] {
				continue
			}
			seen[source] = true
			out = append(out, rules.Alteration{
				Expr: rules.Expr{Source: source},
				Sets: []rules.Assignment{{Path: rules.Expr{Source: path}, Value: rules.Expr{Source: value}}},
			})
		}
	}
	return out
}
