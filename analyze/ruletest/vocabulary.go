package ruletest

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/zbundle/zbundle/rules"
)

func vocabularyOf(r *rules.Rule) vocabulary {
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
	return v
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
