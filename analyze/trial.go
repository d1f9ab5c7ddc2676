package analyze

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Trial is one rule on one mesh, which may be altered between runs.
type Trial struct {
	rule *rule
	mesh *mesh.Mesh
}

// Trial of the rule with an id; an engine without it is an error.
func (e *Engine) Trial(id string, m *mesh.Mesh) (*Trial, error) {
	at := slices.IndexFunc(e.rules, func(r *rule) bool { return r.ID == id })
	if at < 0 {
		return nil, fmt.Errorf("no rule has id %q", id)
	}
	return &Trial{rule: e.rules[at], mesh: m}, nil
}

// Judgement is what one rule says of a mesh.
type Judgement struct {
	Subjects []mesh.Subject // in no order, and named as often as they were found
	// Notes has "over" for each subject of which it is over, "hint" for each that
	// the evidence leaves a hint of, and "" for all others.
	Notes []string
	// Told is what is said of them: messages, causes, impacts and remedies.
	Told  []string
	Items []mesh.Item // of the rule's collection, that it found
	// Undecided is true where the rule could not look everywhere.
	Undecided bool
}

// Run judges the mesh as it is now. An alteration can take from the model what
// no bundle leaves out, such as a certificate's ztunnel: that is an error.
func (t *Trial) Run(ctx context.Context) (j *Judgement, err error) {
	defer func() {
		if r := recover(); r != nil {
			j, err = nil, fmt.Errorf("the altered model is one that no bundle gives: %v", r)
		}
	}()
	ev := t.rule.judge(ctx, t.mesh, nil)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	j = &Judgement{Undecided: len(ev.gaps) > 0}
	for _, h := range ev.hits {
		j.Subjects, j.Notes = append(j.Subjects, h.subject), append(j.Notes, h.note())
		j.Told = append(j.Told, h.told.message, h.told.cause, h.told.impact, h.told.remedy, h.but)
		if n := len(j.Items); n == 0 || j.Items[n-1] != h.matter.item {
			j.Items = append(j.Items, h.matter.item)
		}
	}
	return j, nil
}

// note tells a hit that is over, or a mere hint, from one that stands.
func (h *hit) note() string {
	switch {
	case h.timing.State == mesh.Over:
		return "over"
	case h.but != "":
		return "hint"
	}
	return ""
}

// Alter changes what an alteration names of each of the items. The mesh is as
// it was before once restore was called. An alteration that changes nothing is an error.
func (t *Trial) Alter(a rules.Alteration, items []mesh.Item) (restore func(), err error) {
	var done alterer
	for _, item := range items {
		env := map[string]any{wholeMesh: t.mesh, t.rule.over.item: item}
		for _, set := range a.Sets {
			if err := t.assign(&done, set, env); err != nil {
				done.restore()
				return nil, err
			}
		}
	}
	if !done.changed {
		done.restore()
		return nil, problemAt(a.Expr, 1, 0, "the alteration leaves it as it was")
	}
	return done.restore, nil
}

func (t *Trial) assign(done *alterer, set rules.Assignment, env map[string]any) error {
	steps, err := pathSteps(set.Path)
	if err != nil {
		return err
	}
	root, ok := env[steps[0]]
	if !ok {
		return problemAt(set.Path, 1, 0, fmt.Sprintf("an alteration begins with %s or %s, not %s", t.rule.over.item, wholeMesh, steps[0]))
	}
	p, err := newScope(t.rule.over).compile(set.Value)
	if err != nil {
		return err
	}
	ev := evaluation{rule: t.rule, env: env}
	ev.machine.MemoryBudget = memoryBudget
	value, err := ev.eval(p)
	if err != nil {
		return err
	}
	if err := done.assign(root, steps[1:], value); err != nil {
		var problem rules.Problem
		if errors.As(err, &problem) {
			return problem
		}
		return problemAt(set.Path, 1, 0, err.Error())
	}
	return nil
}

// Selection is what a rule looks at in a mesh.
type Selection struct {
	Items  int // of the rule's collection
	Chosen int // of them by where
	// Empty are the paths that hold nothing in any item that was chosen.
	Empty []string
}

// Select says what the rule's selectors match. An item of which where can't
// be judged is not chosen.
func (t *Trial) Select(ctx context.Context, paths []rules.Expr) (*Selection, error) {
	ev := t.rule.evaluate(ctx, t.mesh)
	items := t.rule.over.items(t.mesh)
	out := &Selection{Items: len(items)}
	held := make([]bool, len(paths))
	for _, item := range items {
		ev.env[t.rule.over.item] = item
		if t.rule.where != nil {
			if chosen, err := ev.truth(t.rule.where); err != nil || !chosen {
				continue
			}
		}
		out.Chosen++
		for i, path := range paths {
			steps, err := pathSteps(path)
			if err != nil {
				return nil, err
			}
			root, ok := ev.env[steps[0]]
			held[i] = held[i] || !ok || holds(reflect.ValueOf(root), steps[1:])
		}
	}
	for i, path := range paths {
		if out.Chosen > 0 && !held[i] {
			out.Empty = append(out.Empty, path.Source)
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
