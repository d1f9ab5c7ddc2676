package ruletest

import (
	"context"
	"math"
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/zbundle/zbundle/analyze"
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
	value  *analyze.Program
	bound  *analyze.Program
	others []*analyze.Program
}

// MeasureHeadroom measures all thresholds of all rules of an engine in a mesh.
func MeasureHeadroom(ctx context.Context, engine *analyze.Engine, m *mesh.Mesh) ([]Headroom, error) {
	var out []Headroom
	for _, r := range engine.Rules() {
		rule, err := engine.Rule(r.ID)
		if err != nil {
			return nil, err
		}
		for _, t := range thresholds(rule) {
			h := Headroom{Rule: r.ID, Comparison: t.text}
			ev := rule.Evaluate(ctx, m)
			for _, item := range ev.Items() {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				ev.At(item)
				if !ev.Known() {
					continue // it is not judged at all
				}
				if share, ok := t.share(ev); ok {
					h.Items++
					h.Worst = max(h.Worst, share)
				}
			}
			out = append(out, h)
		}
	}
	return out, nil
}

// share of the threshold that the item at hand reaches, where all else holds.
func (t threshold) share(ev *analyze.Evaluation) (share float64, ok bool) {
	if err := ev.Let(); err != nil {
		return 0, false
	}
	for _, p := range t.others {
		if holds, err := ev.Truth(p); err != nil || !holds {
			return 0, false
		}
	}
	value, wholeValue, okValue := number(ev, t.value)
	bound, wholeBound, okBound := number(ev, t.bound)
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
func number(ev *analyze.Evaluation, p *analyze.Program) (n float64, whole, ok bool) {
	v, err := ev.Value(p)
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
func thresholds(rule *analyze.CompiledRule) []threshold {
	r, s := rule.Source(), rule.Scope()
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
		t.value, t.bound = part(s, value), part(s, bound)
		for j, other := range conditions {
			if i != j {
				t.others = append(t.others, part(s, other))
			}
		}
		if t.value != nil && t.bound != nil && !slices.Contains(t.others, nil) && !zero(bound) {
			out = append(out, t)
		}
	}
	return out
}

// part compiles a part of an expression that compiled as a whole; nil where it does not.
func part(s *analyze.Scope, node ast.Node) *analyze.Program {
	p, err := s.Compile(rules.Expr{Source: node.String()})
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
