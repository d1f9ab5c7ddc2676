package ruletest

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

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
		trial, err := engine.Trial(r.ID, m)
		if err != nil {
			return nil, err
		}
		found, err := trial.Run(ctx)
		if err != nil {
			return nil, err
		}
		try := func(a rules.Alteration) (ok bool) {
			restore, err := trial.Alter(a, found.Items)
			if err != nil {
				return false
			}
			defer restore()
			ok = true
			now, err := trial.Run(ctx)
			if err != nil {
				return ok
			}
			under, s := "", state{gaps: found.Undecided}
			switch {
			case now.Undecided && !found.Undecided:
				return ok
			case len(now.Subjects) == 0:
				under = "unless"
			case slices.Equal(subjects(now), subjects(found)):
				under, s.subjects = "still", subjects(found)
			default:
				return ok
			}
			alive = slices.DeleteFunc(alive, func(l living) bool {
				on, err := l.engine.Trial(r.ID, m)
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
	v := vocabulary{lets: map[string]string{}}
	exprs := []*rules.Expr{r.Where}
	for i := range r.Let {
		exprs = append(exprs, &r.Let[i].Expr)
	}
	for i, e := range append(exprs, r.When) {
		if e == nil {
			continue
		}
		if tree, err := parser.Parse(e.Source); err == nil {
			path := v.read(tree.Node, "")
			if i > 0 && i <= len(r.Let) {
				v.lets[r.Let[i-1].Name] = path
			}
		}
	}
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

// vocabulary is what expressions read, and compare it with.
type vocabulary struct {
	paths   []string
	counted []string // those of lists whose length counts
	values  []string
	lets    map[string]string // the paths of what they stand for, or of the list they are taken from
}

// read gathers from an expression; the path is the node's own, or that of the
// list that it is taken from, and "" where it has none. In predicates element
// is the path of the list.
func (v *vocabulary) read(node ast.Node, element string) string {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		if path, ok := v.lets[n.Value]; ok {
			return path
		}
		return n.Value
	case *ast.PointerNode:
		return element
	case *ast.ChainNode:
		return v.read(n.Node, element)
	case *ast.MemberNode:
		base := v.read(n.Node, element)
		property, ok := n.Property.(*ast.StringNode)
		if !ok || base == "" {
			return base
		}
		path := (&ast.MemberNode{Node: &ast.IdentifierNode{Value: base}, Property: property}).String()
		v.paths = appendNew(v.paths, path)
		return path
	case *ast.UnaryNode:
		v.read(n.Node, element)
	case *ast.BinaryNode:
		v.read(n.Left, element)
		v.read(n.Right, element)
		if slices.Contains([]string{"+", "-", "*", "/"}, n.Operator) {
			for _, form := range []string{"%s", "%s + 1", "%s - 1"} {
				v.values = appendNew(v.values, fmt.Sprintf(form, n))
			}
		}
	case *ast.IntegerNode:
		for _, near := range []int{n.Value, n.Value - 1, n.Value + 1} {
			v.values = appendNew(v.values, strconv.Itoa(near))
		}
	case *ast.FloatNode:
		for _, near := range []float64{n.Value, 0.9 * n.Value, 1.1 * n.Value} {
			v.values = appendNew(v.values, strconv.FormatFloat(near, 'g', 3, 64))
		}
	case *ast.StringNode:
		v.values = appendNew(v.values, n.String())
	case *ast.ConditionalNode:
		v.read(n.Cond, element)
		v.read(n.Exp1, element)
		v.read(n.Exp2, element)
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			v.read(e, element)
			v.values = appendNew(v.values, "["+e.String()+"]")
		}
	case *ast.CallNode:
		for _, e := range n.Arguments {
			v.read(e, element)
		}
	case *ast.BuiltinNode:
		path := ""
		for i, e := range n.Arguments {
			if p, ok := e.(*ast.PredicateNode); ok {
				v.read(p.Node, path)
			} else if of := v.read(e, element); i == 0 {
				path = of
			}
		}
		if n.Name == "len" && path != "" {
			v.counted = appendNew(v.counted, path)
		}
		return path
	}
	return ""
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
