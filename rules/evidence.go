package rules

import "gopkg.in/yaml.v3"

// Cause is one of several causes that a finding can have.
type Cause struct {
	If *Expr // what decides for it; nil for one that is merely possible
	// Cause and Remedy are its own; what is empty of the others is the rule's.
	Cause, Remedy, Message, Impact Template
	Severity                       Severity
}

// Counter is evidence against what a rule claims.
type Counter struct {
	If   *Expr
	Says Template
	// Hint leaves a hint of the claim, where the evidence does not contradict
	// it but merely fails to support it.
	Hint bool
}

// evidence reads the fields by which evidence decides: what is over, which
// cause it is, and what speaks against it.
func (p *parser) evidence(key, value *yaml.Node) (known bool) {
	r := p.rule
	switch key.Value {
	case "over":
		r.Over = p.expr(value)
	case "stands":
		r.Stands = p.expr(value)
	case "young":
		r.Young = p.expr(value)
	case "unclaimed":
		p.decode(value, &r.Unclaimed)
	case "reach":
		r.Reach = p.texts(value)
		for i, n := range value.Content {
			p.mark(field("reach", i), n)
		}
	case "causes":
		for _, n := range p.mappings(value, "causes are a list, each with cause and remedy") {
			r.Causes = append(r.Causes, p.cause(n))
		}
	case "against":
		p.against(value)
	default:
		return false
	}
	return true
}

// Uncontested names the rules of critical and error that do not say what
// would speak against them, nor why nothing can.
func Uncontested(set []*Rule) []Problem {
	var problems []Problem
	for _, r := range set {
		if (r.Severity == Critical || r.Severity == Error) && len(r.Against) == 0 && r.Incontestable == "" {
			problems = append(problems, r.Problem("id", "a rule of %s says what would speak against it: field against", r.Severity))
		}
	}
	return problems
}

// mappings are the elements of a list of mappings.
func (p *parser) mappings(n *yaml.Node, want string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.problem(n, "%s", want)
		return nil
	}
	var out []*yaml.Node
	for _, e := range n.Content {
		if e.Kind != yaml.MappingNode {
			p.problem(e, "%s", want)
			continue
		}
		out = append(out, e)
	}
	return out
}

func (p *parser) cause(n *yaml.Node) Cause {
	var c Cause
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "if":
			c.If = p.expr(value)
		case "cause":
			c.Cause = p.template(value)
		case "remedy":
			c.Remedy = p.template(value)
		case "message":
			c.Message = p.template(value)
		case "impact":
			c.Impact = p.template(value)
		case "severity":
			c.Severity = Severity(p.oneOf(value, names(Severities())))
		default:
			p.problem(key, "unknown field %q of a cause", key.Value)
		}
	}
	if len(c.Cause.Parts) == 0 || len(c.Remedy.Parts) == 0 {
		p.problem(n, "a cause needs cause and remedy")
	}
	return c
}

// against is a list of evidence, or {none: REASON}.
func (p *parser) against(n *yaml.Node) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "none" {
		p.rule.Incontestable = p.text(n.Content[1])
		return
	}
	for _, e := range p.mappings(n, "against is a list of what speaks against it, each with if and says, or {none: why nothing can}") {
		p.rule.Against = append(p.rule.Against, p.counter(e))
	}
}

func (p *parser) counter(n *yaml.Node) Counter {
	var c Counter
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "if":
			c.If = p.expr(value)
		case "says":
			c.Says = p.template(value)
		case "leaves":
			c.Hint = p.oneOf(value, []string{"nothing", "hint"}) == "hint"
		default:
			p.problem(key, "unknown field %q of what speaks against it", key.Value)
		}
	}
	if c.If == nil || len(c.Says.Parts) == 0 {
		p.problem(n, "what speaks against it needs if and says")
	}
	return c
}
