package analyze

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

const (
	// memoryBudget bounds what one evaluation may allocate, in expr's units: about elements of lists.
	memoryBudget = 10_000_000
	// stepName is the function that compile plants in loops. No rule can write the name.
	stepName = " step"
	// stepsPerLook is how many turns of loops pass between two looks at the clock.
	stepsPerLook = 1024
)

// program is a typed and compiled expression.
type program struct {
	source rules.Expr
	code   *vm.Program
}

// scope is what the expressions of a rule can name, with the types.
type scope types.Map

// known gives a let's value the type that its expression was found to have.
type known struct{ nature nature.Nature }

func (k known) Nature() nature.Nature   { return k.nature }
func (k known) Equal(t types.Type) bool { return t.Nature().Type == k.nature.Type }
func (k known) String() string          { return k.nature.String() }

// newScope names what every expression can: the mesh and the item.
func newScope(c collection) scope {
	return scope{
		wholeMesh: types.TypeOf((*mesh.Mesh)(nil)),
		c.item:    types.TypeOf(reflect.Zero(c.typ).Interface()),
		"age":     types.TypeOf(func(time.Time) float64 { return 0 }),
		stepName:  types.TypeOf(func(...any) (any, error) { return nil, nil }),
	}
}

// compile types an expression against the scope. The error is a rules.Problem.
func (s scope) compile(e rules.Expr, opts ...expr.Option) (*program, error) {
	opts = append(append([]expr.Option{expr.Env(types.Map(s)), expr.Patch(stepper{})}, functionOptions()...), opts...)
	code, err := expr.Compile(e.Source, opts...)
	if err != nil {
		return nil, Locate(e, err)
	}
	guard := &goNames{}
	node := code.Node()
	ast.Walk(&node, guard)
	if guard.found != nil {
		line, column := lineColumn(e.Source, guard.found.Location().From)
		return nil, problemAt(e, line, column, fmt.Sprintf("%s is no field that rules can read", guard.name))
	}
	return &program{source: e, code: code}, nil
}

// Locate turns an error of expr, whose line and column count in the
// expression, into a problem whose line and column count in the rule's file.
func Locate(e rules.Expr, err error) rules.Problem {
	var at *file.Error
	if !errors.As(err, &at) {
		return problemAt(e, 1, 0, err.Error())
	}
	return problemAt(e, at.Line, at.Column, at.Message)
}

func problemAt(e rules.Expr, line, column int, text string) rules.Problem {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "*mesh.", ""), "mesh.", "")
	return e.ProblemAt(line, column, text)
}

// lineColumn of the character at an offset, as expr counts them.
func lineColumn(source string, offset int) (line, column int) {
	line = 1
	for i, r := range []rune(source) {
		if i == offset {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 0
		}
	}
	return line, column
}

// stepper plants a look at the clock in every turn of every loop, so that no
// rule can run for longer than it may.
type stepper struct{}

func (stepper) Visit(node *ast.Node) {
	predicate, ok := (*node).(*ast.PredicateNode)
	if !ok {
		return
	}
	call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: stepName}}
	call.SetLocation(predicate.Location())
	call.Callee.SetLocation(predicate.Location())
	sequence := &ast.SequenceNode{Nodes: []ast.Node{call, predicate.Node}}
	sequence.SetLocation(predicate.Location())
	predicate.Node = sequence
}

// steps counts the turns of a rule's loops, and ends them with its context.
type steps struct {
	ctx   context.Context
	count int
}

func (s *steps) step(...any) (any, error) {
	s.count++
	if s.count%stepsPerLook == 0 && s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	return nil, nil
}

// goNames finds what the model's vocabulary does not have: fields without an
// expr name, and methods, by which a rule could change what it judges.
type goNames struct {
	found ast.Node
	name  string
}

func (g *goNames) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok || g.found != nil {
		return
	}
	base := member.Node.Type()
	if base != nil && base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if base == reflect.TypeFor[time.Time]() || base == reflect.TypeFor[time.Duration]() || base != nil && base.Kind() == reflect.Map {
		return
	}
	if property, ok := member.Property.(*ast.StringNode); ok {
		if first, _ := utf8.DecodeRuneInString(property.Value); unicode.IsUpper(first) {
			g.found, g.name = member, property.Value
		}
	}
}

// boolean asks for an expression that is true or false.
func boolean() expr.Option { return expr.AsBool() }

// printable tells whether a value of the type can stand in a message.
func printable(t reflect.Type) bool {
	if t == nil {
		return true // known at run time only
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func:
		return false
	case reflect.Struct:
		return t == reflect.TypeFor[time.Time]()
	case reflect.Slice, reflect.Array:
		return printable(t.Elem())
	}
	return true
}

// text is a value as it stands in a message.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return fmt.Sprint(v)
	}
	parts := make([]string, list.Len())
	for i := range parts {
		parts[i] = text(list.Index(i).Interface())
	}
	return strings.Join(parts, ", ")
}
