package analyze

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// CompiledRule is one rule of an engine by itself, for those who test rules:
// it can be run as it is, or evaluated item by item.
type CompiledRule struct{ rule *rule }

// Rule finds a rule by its id; an engine without it is an error.
func (e *Engine) Rule(id string) (*CompiledRule, error) {
	at := slices.IndexFunc(e.rules, func(r *rule) bool { return r.ID == id })
	if at < 0 {
		return nil, fmt.Errorf("no rule has id %q", id)
	}
	return &CompiledRule{e.rules[at]}, nil
}

// Source is the rule as it was read.
func (c *CompiledRule) Source() *rules.Rule { return c.rule.Rule }

// Hit is one subject that a rule found something about.
type Hit struct {
	Subject mesh.Subject
	Item    mesh.Item // of the rule's collection
	State   result.State
	// But is what does not support the claim, which is a hint then.
	But                            string
	Message, Cause, Impact, Remedy string
}

// Judge runs the rule on a mesh. The hits are in no order, and name a subject as often as it
// was found; undecided is true where the rule could not look everywhere.
func (c *CompiledRule) Judge(ctx context.Context, m *mesh.Mesh) (hits []Hit, undecided bool) {
	ev := c.rule.judge(ctx, m, nil)
	for _, h := range ev.hits {
		hits = append(hits, Hit{
			Subject: h.subject, Item: h.matter.item, State: h.timing.State, But: h.but,
			Message: h.told.message, Cause: h.told.cause, Impact: h.told.impact, Remedy: h.told.remedy,
		})
	}
	return hits, len(ev.gaps) > 0
}

// Scope is what the rule's expressions can name: the mesh, the item, and the values of let.
func (c *CompiledRule) Scope() *Scope {
	names := newScope(c.rule.over)
	for i, p := range c.rule.let {
		names[c.rule.Rule.Let[i].Name] = known{*p.code.Node().Nature()}
	}
	return &Scope{over: c.rule.over, names: names}
}

// Evaluation is a rule under way on a mesh, of which the caller takes each step.
type Evaluation struct {
	ev    *evaluation
	items []mesh.Item
	item  mesh.Item // the one at hand
	needs *needs    // nil until they are asked for
}

// needs are what of the rule's needs each item answers for itself, and whether
// anything may be judged at all.
type needs struct {
	scoped []string
	whole  bool
}

// Evaluate begins an evaluation; At must choose an item before any value is asked for.
func (c *CompiledRule) Evaluate(ctx context.Context, m *mesh.Mesh) *Evaluation {
	return &Evaluation{ev: c.rule.evaluate(ctx, m), items: c.rule.over.items(m)}
}

// Items are all of the rule's collection.
func (e *Evaluation) Items() []mesh.Item { return e.items }

// At goes to an item.
func (e *Evaluation) At(item mesh.Item) {
	e.item = item
	e.ev.env[e.ev.rule.over.item] = item
}

// Known is false where something is missing without which the rule does not judge the item.
func (e *Evaluation) Known() bool {
	if e.needs == nil {
		scoped, whole := e.ev.needs(e.items, e.ev.mesh)
		e.needs = &needs{scoped, whole}
	}
	return e.needs.whole && !e.ev.gap(e.item, e.needs.scoped)
}

// Chosen is true where the rule's selector chooses the item.
func (e *Evaluation) Chosen() (bool, error) {
	if e.ev.rule.where == nil {
		return true, nil
	}
	return e.ev.truth(e.ev.rule.where)
}

// Let gives the rule's named values for the item.
func (e *Evaluation) Let() error { return e.ev.lets() }

// Named is what an expression means by a name: the mesh, the item, or a value of let.
func (e *Evaluation) Named(name string) (value any, ok bool) {
	value, ok = e.ev.env[name]
	return value, ok
}

// Value of an expression for the item.
func (e *Evaluation) Value(p *Program) (any, error) { return e.ev.eval(p.program) }

// Truth of a condition for the item.
func (e *Evaluation) Truth(p *Program) (bool, error) { return e.ev.truth(p.program) }

// Scope is what an expression can name, with the types.
type Scope struct {
	over  collection
	names scope
}

// Program is an expression that was compiled in a scope.
type Program struct{ program *program }

// ScopeOf is what any expression of a rule over a collection can name: the mesh, and the item.
func ScopeOf(collection string) (*Scope, error) {
	over, err := collectionNamed(collection)
	if err != nil {
		return nil, err
	}
	return &Scope{over: over, names: newScope(over)}, nil
}

// Compile types an expression. The error is a rules.Problem.
func (s *Scope) Compile(e rules.Expr) (*Program, error) {
	p, err := s.names.compile(e)
	if err != nil {
		return nil, err
	}
	return &Program{p}, nil
}

// Item is the variable of an item, and its type.
func (s *Scope) Item() (name string, typ reflect.Type) { return s.over.item, s.over.typ }

// WholeMesh is the name of the mesh in expressions.
const WholeMesh = wholeMesh
