package ruletest

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/zbundle/zbundle/rules"
)

// mutant is a rule with one small change, as a slip of its author's would make it.
type mutant struct {
	rule         *rules.Rule
	line, column int
	text         string
}

// mutants of a rule's where, let and when. What the rule says of its findings
// takes no part.
func mutants(r *rules.Rule) []mutant {
	bare := *r
	bare.Message, bare.Cause, bare.Impact, bare.Remedy = rules.Template{}, rules.Template{}, rules.Template{}, rules.Template{}
	bare.Evidence, bare.Group, bare.Causes = nil, nil, nil
	var out []mutant
	add := func(e *rules.Expr, put func(changed *rules.Rule, e *rules.Expr)) {
		if e == nil {
			return
		}
		for _, v := range variants(*e) {
			changed, source := bare, *e
			source.Source = v.source
			put(&changed, &source)
			line, column := e.AtRune(v.at)
			out = append(out, mutant{&changed, line, column, v.text})
		}
	}
	add(r.Where, func(changed *rules.Rule, e *rules.Expr) { changed.Where = e })
	for i := range r.Let {
		add(&r.Let[i].Expr, func(changed *rules.Rule, e *rules.Expr) {
			changed.Let = slices.Clone(r.Let)
			changed.Let[i].Expr = *e
		})
	}
	add(r.When, func(changed *rules.Rule, e *rules.Expr) { changed.When = e })
	add(r.Over, func(changed *rules.Rule, e *rules.Expr) { changed.Over = e })
	add(r.Stands, func(changed *rules.Rule, e *rules.Expr) { changed.Stands = e })
	for i, c := range r.Against {
		changed := bare
		changed.Against = slices.Delete(slices.Clone(r.Against), i, i+1)
		line, column := c.If.AtRune(0)
		out = append(out, mutant{&changed, line, column, "without what speaks against it: " + strings.Join(strings.Fields(c.If.Source), " ")})
	}
	return out
}

// variant is an expression with one node changed.
type variant struct {
	source string
	at     int // in characters
	text   string
}

func variants(e rules.Expr) []variant {
	tree, err := parser.Parse(e.Source)
	if err != nil {
		return nil // the rule does not compile either
	}
	root := tree.Node
	seen := places{names: map[ast.Node]bool{}, parents: map[ast.Node]ast.Node{}}
	ast.Walk(&root, &seen)
	plain := root.String()
	var out []variant
	for _, at := range seen.list {
		if seen.names[*at] {
			continue
		}
		original := *at
		for _, c := range changes(original) {
			before := text(original, seen.parents[original])
			*at = c.node
			if c.text == "" {
				c.text = before + " -> " + text(c.node, seen.parents[original])
			}
			if source := root.String(); source != plain {
				out = append(out, variant{source, original.Location().From, strings.Join(strings.Fields(c.text), " ")})
			}
			*at = original
		}
	}
	return out
}

// text of a node; of a literal, that of what it stands in.
func text(node, parent ast.Node) string {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode:
		if parent != nil {
			return parent.String()
		}
	}
	return node.String()
}

// places are where nodes hang in a tree, which of them name fields, and what
// literals stand in.
type places struct {
	list    []*ast.Node
	names   map[ast.Node]bool
	parents map[ast.Node]ast.Node
}

func (p *places) Visit(at *ast.Node) {
	p.list = append(p.list, at)
	switch n := (*at).(type) {
	case *ast.MemberNode:
		p.names[n.Property] = true
	case *ast.PairNode:
		p.names[n.Key] = true
	case *ast.BinaryNode:
		p.parents[n.Left], p.parents[n.Right] = n, n
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			p.parents[e] = n
		}
	}
}

type change struct {
	node ast.Node
	text string // "" for that of the node before and after
}

// swaps are what an operator may be mistaken for.
var swaps = map[string][]string{
	"&&": {"||"}, "and": {"or"}, "||": {"&&"}, "or": {"and"},
	"==": {"!="}, "!=": {"=="},
	"<": {"<=", ">="}, "<=": {"<", ">"}, ">": {">=", "<="}, ">=": {">", "<"},
	"+": {"-"}, "-": {"+"}, "*": {"/"}, "/": {"*"},
}

// calls are what a function over a list may be mistaken for.
var calls = map[string]string{"any": "all", "all": "any", "none": "any", "one": "any", "min": "max", "max": "min"}

// changes that a node may suffer.
func changes(node ast.Node) []change {
	var out []change
	to := func(changed ast.Node) { out = append(out, change{node: changed}) }
	switch n := node.(type) {
	case *ast.BinaryNode:
		for _, operator := range swaps[n.Operator] {
			to(&ast.BinaryNode{Operator: operator, Left: n.Left, Right: n.Right})
		}
		switch n.Operator {
		case "&&", "||", "and", "or", "??":
			out = append(out, change{n.Left, "without " + n.Right.String()}, change{n.Right, "without " + n.Left.String()})
		case "contains", "startsWith", "endsWith", "matches", "in":
			to(&ast.UnaryNode{Operator: "not", Node: n})
		}
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			to(n.Node)
		}
	case *ast.IntegerNode:
		to(&ast.IntegerNode{Value: n.Value + 1})
		to(&ast.IntegerNode{Value: n.Value - 1})
	case *ast.FloatNode:
		to(&ast.FloatNode{Value: n.Value * 1.25})
		to(&ast.FloatNode{Value: n.Value * 0.75})
	case *ast.BoolNode:
		to(&ast.BoolNode{Value: !n.Value})
	case *ast.StringNode:
		to(&ast.StringNode{Value: "~" + n.Value})
	case *ast.ConditionalNode:
		to(n.Exp1)
		to(n.Exp2)
	case *ast.BuiltinNode:
		if other, ok := calls[n.Name]; ok {
			to(&ast.BuiltinNode{Name: other, Arguments: n.Arguments})
		}
	}
	return out
}
