package rules

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// alterations reads a list of "path = value; path = value".
func (p *parser) alterations(n *yaml.Node) []Alteration {
	var out []Alteration
	for _, e := range p.list(n) {
		a := Alteration{Expr: newExpr(e, p.file, p.lines)}
		for _, part := range split(a.Source, ";") {
			sides := split(a.Source[part.from:part.to], "=")
			if len(sides) != 2 {
				p.problem(e, "an alteration has the form path = value; path = value")
				break
			}
			a.Sets = append(a.Sets, Assignment{
				Path:  a.trimmed(part.from+sides[0].from, part.from+sides[0].to),
				Value: a.trimmed(part.from+sides[1].from, part.from+sides[1].to),
			})
		}
		out = append(out, a)
	}
	return out
}

// trimmed is a part of the expression without the space around it.
func (e Expr) trimmed(from, to int) Expr {
	text := e.Source[from:to]
	from += len(text) - len(strings.TrimLeft(text, " \n"))
	to -= len(text) - len(strings.TrimRight(text, " \n"))
	return e.sub(from, max(from, to))
}

type span struct{ from, to int }

// split cuts text at a separator of one character, outside of quotes.
func split(text, separator string) []span {
	var out []span
	from, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == separator[0]:
			out = append(out, span{from, i})
			from = i + 1
		}
	}
	return append(out, span{from, len(text)})
}

// excuses reads a list of {mutant, reason}.
func (p *parser) excuses(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.problem(n, "mutants is a list of {mutant, reason}")
		return
	}
	for _, e := range n.Content {
		excuse := Excuse{Line: e.Line}
		for i := 0; e.Kind == yaml.MappingNode && i+1 < len(e.Content); i += 2 {
			switch key, value := e.Content[i], e.Content[i+1]; key.Value {
			case "mutant":
				excuse.Mutant = p.text(value)
			case "reason":
				excuse.Reason = p.text(value)
			default:
				p.problem(key, "unknown field %q of a mutant", key.Value)
			}
		}
		if excuse.Mutant == "" || excuse.Reason == "" {
			p.problem(e, "a mutant needs mutant and reason")
		}
		p.rule.Mutants = append(p.rule.Mutants, excuse)
	}
}
