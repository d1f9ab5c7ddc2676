package analyze

import (
	"context"
	"math"
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Headroom is how near a mesh comes to one threshold of a rule: a comparison
// with a number among the conditions that all have to hold.
type Headroom struct {
	Rule       string
	Comparison string // "ztunnel.upSeconds > 60"
	// Items is how many items nothing but this comparison keeps from being
	// found; Worst is the nearest of their values, as a share of the threshold,
	// or of the value where the threshold is a least one. It is above 1 where
	// something was found.
	Items int
	Worst float64
}

// threshold is one comparison with a number, and all other conditions.
type threshold struct {
	text   string
	above  bool // values above the bound are found
	strict bool // the bound itself is not
	value  *program
	bound  *program
	others []*program
}

// Headroom measures all thresholds of all rules in a mesh.
func (e *Engine) Headroom(ctx context.Context, m *mesh.Mesh) ([]Headroom, error) {
	var out []Headroom
	for _, r := range e.rules {
		for _, t := range r.thresholds() {
			h := Headroom{Rule: r.ID, Comparison: t.text}
			ev := r.evaluate(ctx, m)
			ev.machine = vm.VM{MemoryBudget: memoryBudget}
			items := r.over.items(m)
			scoped, whole := ev.needs(items, m)
			for _, item := range items {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				ev.env[r.over.item] = item
				if !whole || ev.gap(item, scoped) {
					continue // it is not judged at all
				}
				if share, ok := ev.share(t); ok {
					h.Items++
					h.Worst = max(h.Worst, share)
				}
			}
			out = append(out, h)
		}
	}
	return out, nil
}

// share of a threshold that the item at hand reaches, where all else holds.
func (ev *evaluation) share(t threshold) (share float64, ok bool) {
	for i, p := range ev.rule.let {
		v, err := ev.eval(p)
		if err != nil {
			return 0, false
		}
		ev.env[ev.rule.Rule.Let[i].Name] = v
	}
	for _, p := range t.others {
		if holds, err := ev.truth(p); err != nil || !holds {
			return 0, false
		}
	}
	value, wholeValue, okValue := ev.number(t.value)
	bound, wholeBound, okBound := ev.number(t.bound)
	if !okValue || !okBound {
		return 0, false
	}
	if t.strict && wholeValue && wholeBound {
		if t.above { // the nearest that is found
			bound++
		} else {
			bound--
		}
	}
	if !t.above {
		value, bound = bound, value
	}
	switch {
	case bound != 0:
		return math.Max(value/bound, 0), true
	case value > 0:
		return math.Inf(1), true
	}
	return 0, true
}

// number is a program's value, and whether it is a whole one by its type.
func (ev *evaluation) number(p *program) (n float64, whole, ok bool) {
	v, err := ev.eval(p)
	if err != nil || v == nil {
		return 0, false, false
	}
	r := reflect.ValueOf(v)
	if !r.CanConvert(reflect.TypeFor[float64]()) || r.Kind() == reflect.String {
		return 0, false, false
	}
	return r.Convert(reflect.TypeFor[float64]()).Float(), r.CanInt(), true
}

// thresholds are found among what where and when join with &&.
func (r *rule) thresholds() []threshold {
	s := newScope(r.over)
	for i, p := range r.let {
		s[r.Rule.Let[i].Name] = known{*p.code.Node().Nature()}
	}
	var conditions []ast.Node
	for _, e := range []*rules.Expr{r.Where, r.When} {
		if e == nil {
			continue
		}
		if tree, err := parser.Parse(e.Source); err == nil {
			conditions = append(conditions, conjuncts(tree.Node)...)
		}
	}
	var out []threshold
	for i, c := range conditions {
		b, ok := c.(*ast.BinaryNode)
		if !ok || !constant(b.Left) == !constant(b.Right) {
			continue
		}
		t := threshold{text: b.String(), strict: b.Operator == ">" || b.Operator == "<"}
		value, bound := b.Left, b.Right
		switch b.Operator {
		case ">", ">=":
			t.above = true
		case "<", "<=":
		default:
			continue
		}
		if constant(b.Left) {
			value, bound, t.above = b.Right, b.Left, !t.above
		}
		t.value, t.bound = s.must(value), s.must(bound)
		for j, other := range conditions {
			if i != j {
				t.others = append(t.others, s.must(other))
			}
		}
		if t.value != nil && t.bound != nil && !slices.Contains(t.others, nil) && !zero(bound) {
			out = append(out, t)
		}
	}
	return out
}

// must compiles a part of an expression that compiled as a whole; nil where it does not.
func (s scope) must(node ast.Node) *program {
	p, err := s.compile(rules.Expr{Source: node.String()})
	if err != nil {
		return nil
	}
	return p
}

func conjuncts(node ast.Node) []ast.Node {
	if b, ok := node.(*ast.BinaryNode); ok && (b.Operator == "&&" || b.Operator == "and") {
		return append(conjuncts(b.Left), conjuncts(b.Right)...)
	}
	return []ast.Node{node}
}

// constant is true of numbers and what is computed of them alone.
func constant(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	case *ast.UnaryNode:
		return constant(n.Node)
	case *ast.BinaryNode:
		return constant(n.Left) && constant(n.Right)
	}
	return false
}

// zero tells a test of presence ("> 0") from a threshold.
func zero(node ast.Node) bool {
	n, ok := node.(*ast.IntegerNode)
	return ok && n.Value == 0
}
