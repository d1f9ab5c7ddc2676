package ruletest

import (
	"context"
	"fmt"
	"reflect"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// ruleTrial is one rule on one mesh, which may be altered between runs.
type ruleTrial struct {
	rule *analyze.CompiledRule
	mesh *mesh.Mesh
}

// newTrial tries the rule with an id; an engine without it is an error.
func newTrial(engine *analyze.Engine, id string, m *mesh.Mesh) (*ruleTrial, error) {
	rule, err := engine.Rule(id)
	if err != nil {
		return nil, err
	}
	return &ruleTrial{rule: rule, mesh: m}, nil
}

// judgement is what one rule says of a mesh.
type judgement struct {
	subjects []mesh.Subject // in no order, and named as often as they were found
	// notes has "over" for each subject of which it is over, "hint" for each that
	// the evidence leaves a hint of, and "" for all others.
	notes []string
	// told is what is said of them: messages, causes, impacts and remedies.
	told  []string
	items []mesh.Item // of the rule's collection, that it found
	// undecided is true where the rule could not look everywhere.
	undecided bool
}

// run judges the mesh as it is now. An alteration can take from the model what
// no bundle leaves out, such as a certificate's ztunnel: that is an error.
func (t *ruleTrial) run(ctx context.Context) (j *judgement, err error) {
	defer func() {
		if r := recover(); r != nil {
			j, err = nil, fmt.Errorf("the altered model is one that no bundle gives: %v", r)
		}
	}()
	hits, undecided := t.rule.Judge(ctx, t.mesh)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	j = &judgement{undecided: undecided}
	for _, h := range hits {
		j.subjects, j.notes = append(j.subjects, h.Subject), append(j.notes, note(h))
		j.told = append(j.told, h.Message, h.Cause, h.Impact, h.Remedy, h.But)
		if n := len(j.items); n == 0 || j.items[n-1] != h.Item {
			j.items = append(j.items, h.Item)
		}
	}
	return j, nil
}

// note tells a hit that is over, or a mere hint, from one that stands.
func note(h analyze.Hit) string {
	switch {
	case h.State == result.Over:
		return "over"
	case h.But != "":
		return "hint"
	}
	return ""
}

// alter changes what an alteration names of each of the items. The mesh is as
// it was before once restore was called. An alteration that changes nothing is an error.
func (t *ruleTrial) alter(ctx context.Context, a rules.Alteration, items []mesh.Item) (restore func(), err error) {
	scope, err := analyze.ScopeOf(t.rule.Source().For)
	if err != nil {
		return nil, err
	}
	var done alterer
	ev := t.rule.Evaluate(ctx, t.mesh)
	for _, item := range items {
		ev.At(item)
		for _, set := range a.Sets {
			if err := done.assignment(ev, scope, set); err != nil {
				done.restore()
				return nil, err
			}
		}
	}
	if !done.changed {
		done.restore()
		return nil, a.Expr.Problem("the alteration leaves it as it was")
	}
	return done.restore, nil
}

// assignment carries out one assignment of an alteration on the item at hand.
func (a *alterer) assignment(ev *analyze.Evaluation, scope *analyze.Scope, set rules.Assignment) error {
	steps, err := pathSteps(set.Path)
	if err != nil {
		return err
	}
	if item, _ := scope.Item(); steps[0] != item && steps[0] != analyze.WholeMesh {
		return notARoot(scope, set.Path, steps[0])
	}
	root, _ := ev.Named(steps[0])
	p, err := scope.Compile(set.Value)
	if err != nil {
		return err
	}
	value, err := ev.Value(p)
	if err != nil {
		return err
	}
	if err := a.assign(root, steps[1:], value); err != nil {
		return set.Path.Problem(err.Error())
	}
	return nil
}

// notARoot is the problem of a path that begins with neither the item nor the mesh.
func notARoot(scope *analyze.Scope, path rules.Expr, step string) error {
	item, _ := scope.Item()
	return path.Problem(fmt.Sprintf("an alteration begins with %s or %s, not %s", item, analyze.WholeMesh, step))
}

// selection is what a rule looks at in a mesh.
type selection struct {
	items  int // of the rule's collection
	chosen int // of them by where
	// empty are the paths that hold nothing in any item that was chosen.
	empty []string
}

// choose says what the rule's selectors match. An item of which where can't
// be judged is not chosen.
func (t *ruleTrial) choose(ctx context.Context, paths []rules.Expr) (*selection, error) {
	ev := t.rule.Evaluate(ctx, t.mesh)
	out := &selection{items: len(ev.Items())}
	held := make([]bool, len(paths))
	for _, item := range ev.Items() {
		ev.At(item)
		if chosen, err := ev.Chosen(); err != nil || !chosen {
			continue
		}
		out.chosen++
		for i, path := range paths {
			steps, err := pathSteps(path)
			if err != nil {
				return nil, err
			}
			root, ok := ev.Named(steps[0])
			held[i] = held[i] || !ok || holds(reflect.ValueOf(root), steps[1:])
		}
	}
	for i, path := range paths {
		if out.chosen > 0 && !held[i] {
			out.empty = append(out.empty, path.Source)
		}
	}
	return out, ctx.Err()
}

// holds tells whether steps lead to a value that is not empty.
func holds(v reflect.Value, steps []string) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || len(steps) == 0 {
			return !v.IsNil()
		}
		return holds(v.Elem(), steps)
	case reflect.Slice:
		if len(steps) == 0 {
			return v.Len() > 0
		}
		for i := range v.Len() {
			if holds(v.Index(i), steps) {
				return true
			}
		}
		return false
	case reflect.Map:
		if len(steps) == 0 {
			return v.Len() > 0
		}
		element := v.MapIndex(reflect.ValueOf(steps[0]).Convert(v.Type().Key()))
		return element.IsValid() && holds(element, steps[1:])
	case reflect.Struct:
		if len(steps) == 0 {
			return !v.IsZero()
		}
		field, ok := fieldNamed(v, steps[0])
		return ok && holds(field, steps[1:])
	case reflect.Invalid:
		return false
	}
	return !v.IsZero()
}
