package analyze

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Engine is a set of rules, typed and compiled.
type Engine struct {
	rules []*rule
}

// Rules of the engine, in the order in which they were given.
func (e *Engine) Rules() []*rules.Rule {
	list := make([]*rules.Rule, len(e.rules))
	for i, r := range e.rules {
		list[i] = r.Rule
	}
	return list
}

// Select is the engine with only the rules that keep is true of.
func (e *Engine) Select(keep func(*rules.Rule) bool) *Engine {
	selected := &Engine{}
	for _, r := range e.rules {
		if keep(r.Rule) {
			selected.rules = append(selected.rules, r)
		}
	}
	return selected
}

// rule is a rule with its expressions compiled.
type rule struct {
	*rules.Rule
	over     collection
	where    *program // nil for all
	let      []*program
	when     *program
	subject  *program // nil for the item itself
	group    *program // nil for one finding in all
	evidence []*program
	message  template
	cause    template
	impact   template
	remedy   template
	judgement
	// derived are needs that its expressions show beside those that it declares.
	derived []rules.Need
	// gapsFirst is true where the rule's own choice of items reads what an
	// agent served, so that an item must be asked for gaps before it is chosen.
	gapsFirst bool
}

// template is text with compiled expressions in it.
type template []part

type part struct {
	text    string
	program *program
}

// Compile types every expression of the rules against the model. The engine
// holds the rules without defects; the error joins one rules.Problem for each
// defect, in the order of files, lines and columns.
func Compile(set []*rules.Rule) (*Engine, error) {
	e := &Engine{}
	var problems []rules.Problem
	for _, r := range set {
		c := compiler{rule: &rule{Rule: r}}
		c.compile()
		problems = append(problems, c.problems...)
		if len(c.problems) == 0 && !r.Broken {
			e.rules = append(e.rules, c.rule)
		}
	}
	return e, Join(problems)
}

// Join makes one error of problems, in the order of files, lines and columns; nil of none.
func Join(problems []rules.Problem) error {
	slices.SortFunc(problems, func(a, b rules.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Text, b.Text))
	})
	errs := make([]error, 0, len(problems))
	for i, p := range problems {
		if i == 0 || p != problems[i-1] {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// Problems are those that an error of Compile or of package rules joins, with
// all other errors as problems without a place.
func Problems(err error) []rules.Problem {
	if err == nil {
		return nil
	}
	var one rules.Problem
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []rules.Problem
		for _, e := range joined.Unwrap() {
			out = append(out, Problems(e)...)
		}
		return out
	}
	if errors.As(err, &one) {
		return []rules.Problem{one}
	}
	return []rules.Problem{{Text: err.Error()}}
}

type compiler struct {
	rule     *rule
	scope    scope
	problems []rules.Problem
}

func (c *compiler) problem(p rules.Problem) { c.problems = append(c.problems, p) }

func (c *compiler) compile() {
	r := c.rule
	c.needs()
	if r.For == "" {
		return // the loader has said that it is missing
	}
	over, err := collectionNamed(r.For)
	if err != nil {
		c.problem(r.Problem("for", "%v", err))
		return
	}
	r.over, c.scope = over, newScope(over)
	r.where = c.expr(r.Where, boolean())
	r.gapsFirst = r.where != nil && readsAgents(r.where)
	c.lets()
	r.when = c.expr(r.When, boolean())
	r.subject = c.item(r.Subject, reflect.TypeFor[subjecter]())
	r.group = c.value(r.Group)
	for i := range r.Rule.Evidence {
		r.evidence = append(r.evidence, c.item(&r.Rule.Evidence[i], reflect.TypeFor[evidencer]()))
	}
	r.message, r.cause = c.template(r.Message), c.template(r.Cause)
	r.impact, r.remedy = c.template(r.Impact), c.template(r.Remedy)
	c.evidence()
	r.deriveNeeds()
}

func (c *compiler) needs() {
	for i, n := range c.rule.Needs {
		if !slices.Contains(mesh.Inputs(), n.Name) {
			c.problem(c.rule.Problem(fmt.Sprintf("needs/%d", i), "%q is no input; there are %s", n.Name, strings.Join(mesh.Inputs(), ", ")))
		}
	}
	for i, name := range c.rule.Reads {
		if !slices.Contains(mesh.Inputs(), name) {
			c.problem(c.rule.Problem(fmt.Sprintf("reads/%d", i), "%q is no input; there are %s", name, strings.Join(mesh.Inputs(), ", ")))
		}
	}
}

func (c *compiler) lets() {
	for i := range c.rule.Let {
		l := &c.rule.Let[i]
		if _, taken := c.scope[l.Name]; taken {
			c.problem(c.rule.Problem("let/"+l.Name, "%q already names something else here", l.Name))
			continue
		}
		p := c.expr(&l.Expr)
		if p == nil {
			// What reads it would be called wrong for that alone.
			c.scope = nil
			return
		}
		c.scope[l.Name] = known{*p.code.Node().Nature()}
		c.rule.let = append(c.rule.let, p)
	}
}

// expr compiles one expression; nil where there is none, or none that compiles.
func (c *compiler) expr(e *rules.Expr, opts ...expr.Option) *program {
	if e == nil || c.scope == nil {
		return nil
	}
	p, err := c.scope.compile(*e, opts...)
	if err != nil {
		var problem rules.Problem
		errors.As(err, &problem)
		c.problem(problem)
		return nil
	}
	return p
}

// value compiles an expression whose value is to be printed.
func (c *compiler) value(e *rules.Expr) *program {
	p := c.expr(e)
	if p != nil && !printable(typeOf(p)) {
		c.problem(problemAt(*e, 1, 0, fmt.Sprintf("a %s can't be printed; name one of its fields", typeOf(p))))
	}
	return p
}

// item compiles an expression that gives one or several things of the model.
func (c *compiler) item(e *rules.Expr, want reflect.Type) *program {
	p := c.expr(e)
	if p == nil {
		return nil
	}
	t := typeOf(p)
	if t != nil && t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t != nil && t.Kind() != reflect.Interface && !t.Implements(want) {
		c.problem(problemAt(*e, 1, 0, fmt.Sprintf("a %s is no item of the model", t)))
	}
	return p
}

func (c *compiler) template(t rules.Template) template {
	var out template
	for _, p := range t.Parts {
		compiled := part{text: p.Text}
		if p.Expr != nil {
			compiled.program = c.value(p.Expr)
		}
		out = append(out, compiled)
	}
	return out
}

// typeOf is the type of a program's value; nil where only running it can tell.
func typeOf(p *program) reflect.Type {
	t := p.code.Node().Type()
	if t == nil || t.Kind() == reflect.Interface && t.NumMethod() == 0 {
		return nil
	}
	return t
}
