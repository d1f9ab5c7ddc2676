package analyze

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Engine is a set of rules ready to run.
type Engine struct {
	rules []*compiled
}

// Rules are the engine's, in the order they were given.
func (e *Engine) Rules() []*rules.Rule {
	out := make([]*rules.Rule, len(e.rules))
	for i, c := range e.rules {
		out[i] = c.rule
	}
	return out
}

// compiled is one rule with its programs.
type compiled struct {
	rule     *rules.Rule
	source   collection
	where    *vm.Program
	let      []letProgram
	when     *vm.Program
	subject  *vm.Program
	group    *vm.Program
	evidence []*vm.Program
	message  text
	cause    text
	impact   text
	remedy   text
}

type letProgram struct {
	name    string
	program *vm.Program
}

// text is a template with its programs.
type text []textPart

type textPart struct {
	text    string
	program *vm.Program
}

// Compile types every expression against the model. Rules with errors are
// left out; the error joins all of them, each with file, line and column.
func Compile(set []*rules.Rule) (*Engine, error) {
	engine := &Engine{}
	var errs []error
	ids := map[string]bool{}
	for _, r := range set {
		ids[r.ID] = true
	}
	for _, r := range set {
		c := &compiler{rule: r, known: collections()}
		done := c.compile()
		for _, id := range r.Explains {
			if !ids[id] {
				c.problem(r.Line, 1, "explains %q, and no rule has that id", id)
			}
		}
		if len(c.errs) > 0 {
			errs = append(errs, c.errs...)
			continue
		}
		engine.rules = append(engine.rules, done)
	}
	return engine, errors.Join(errs...)
}

type compiler struct {
	rule  *rules.Rule
	known map[string]collection
	env   map[string]any // a value of each name's type
	errs  []error
}

func (c *compiler) problem(line, column int, format string, args ...any) {
	c.errs = append(c.errs, rules.Problem{File: c.rule.File, Line: line, Column: column, Text: fmt.Sprintf(format, args...)})
}

func (c *compiler) compile() *compiled {
	r := c.rule
	source, ok := c.known[r.For]
	if !ok {
		var all []string
		for name := range c.known {
			all = append(all, name)
		}
		slices.Sort(all)
		c.problem(r.Line, 1, "for: %q is none of %s", r.For, strings.Join(all, ", "))
		return nil
	}
	for _, n := range r.Needs {
		if !slices.Contains(mesh.Inputs(), n.Name) {
			c.problem(r.Line, 1, "needs: %q is none of %s", n.Name, strings.Join(mesh.Inputs(), ", "))
		}
	}
	c.env = map[string]any{"mesh": (*mesh.Mesh)(nil), source.variable: source.sample}
	out := &compiled{rule: r, source: source}
	out.where = c.program(r.Where, expr.AsBool())
	for _, l := range r.Let {
		program := c.program(&l.Expr)
		if program == nil {
			continue
		}
		out.let = append(out.let, letProgram{l.Name, program})
		c.env[l.Name] = typed(program)
	}
	out.when = c.program(r.When, expr.AsBool())
	out.subject = c.program(r.Subject)
	out.group = c.program(r.Group)
	for _, e := range r.Evidence {
		out.evidence = append(out.evidence, c.program(&e))
	}
	out.message, out.cause = c.text(r.Message), c.text(r.Cause)
	out.impact, out.remedy = c.text(r.Impact), c.text(r.Remedy)
	return out
}

// typed is a value of a program's result type, for the expressions after it.
// A pointer to an interface stands for what the type checker can't tell.
func typed(p *vm.Program) any {
	t := p.Node().Type()
	if t == nil || t.Kind() == reflect.Interface {
		return new(any)
	}
	return reflect.Zero(t).Interface()
}

func (c *compiler) program(e *rules.Expr, opts ...expr.Option) *vm.Program {
	if e == nil {
		return nil
	}
	opts = append(append([]expr.Option{expr.Env(c.env), expr.MaxNodes(conf.DefaultMaxNodes)}, functions()...), opts...)
	program, err := expr.Compile(e.Source, opts...)
	if err == nil {
		return program
	}
	line, column := e.At(1, 0)
	text, _, _ := strings.Cut(err.Error(), "\n")
	var at *file.Error
	if errors.As(err, &at) {
		line, column = e.At(at.Line, at.Column)
		text = at.Message
	}
	c.problem(line, column, "%s", text)
	return nil
}

func (c *compiler) text(t rules.Template) text {
	var out text
	for _, p := range t.Parts {
		if p.Expr == nil {
			out = append(out, textPart{text: p.Text})
			continue
		}
		out = append(out, textPart{program: c.program(p.Expr)})
	}
	return out
}
