package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Expr is an expression and where it stands.
type Expr struct {
	Source string
	File   string
	Line   int // of its first character
	Column int

	places []place // of each rune of Source, and of its end
}

type place struct{ line, column int }

// At is the place in the file of a place in the expression: line from 1,
// column in characters from 0, as expr counts them.
func (e Expr) At(line, column int) (int, int) {
	at := 0
	for _, r := range e.Source {
		if line <= 1 && column <= 0 {
			break
		}
		switch {
		case line > 1 && r == '\n':
			line--
		case line <= 1 && r == '\n':
			column = 0
			continue
		case line <= 1:
			column--
		}
		at++
	}
	if at >= len(e.places) {
		return e.Line, e.Column
	}
	return e.places[at].line, e.places[at].column
}

// Problem is one with the expression as a whole.
func (e Expr) Problem(text string) Problem { return e.ProblemAt(1, 0, text) }

// ProblemAt is one at a place in the expression, as At counts them.
func (e Expr) ProblemAt(line, column int, text string) Problem {
	line, column = e.At(line, column)
	return Problem{File: e.File, Line: line, Column: column, Text: text}
}

// AtRune is the place in the file of a character of the expression.
func (e Expr) AtRune(offset int) (line, column int) {
	if offset < 0 || offset >= len(e.places) {
		return e.Line, e.Column
	}
	return e.places[offset].line, e.places[offset].column
}

// sub is the part of the expression from byte offset from to byte offset to.
func (e Expr) sub(from, to int) Expr {
	part := Expr{Source: e.Source[from:to], File: e.File, Line: e.Line, Column: e.Column}
	first := utf8.RuneCountInString(e.Source[:from])
	last := first + utf8.RuneCountInString(part.Source)
	if last < len(e.places) {
		part.places = e.places[first : last+1]
		part.Line, part.Column = part.places[0].line, part.places[0].column
	}
	return part
}

// newExpr keeps the place of a scalar; lines is the whole file.
func newExpr(n *yaml.Node, file string, lines [][]rune) Expr {
	e := Expr{Source: n.Value, File: file, Line: n.Line, Column: n.Column}
	c := cursor{lines: lines, line: n.Line, column: n.Column}
	if n.Style&(yaml.FoldedStyle|yaml.LiteralStyle) != 0 {
		c.line, c.column = n.Line+1, 1 // past the indicator
	}
	for _, r := range n.Value {
		e.places = append(e.places, c.find(r))
	}
	e.places = append(e.places, place{c.line, c.column})
	if len(n.Value) > 0 {
		e.Line, e.Column = e.places[0].line, e.places[0].column
	}
	return e
}

// cursor walks a file beside the value that YAML made of it: whatever YAML
// dropped on the way (indents, quotes, escapes, folds) is passed over.
type cursor struct {
	lines        [][]rune
	line, column int // of the next character, from 1
}

func (c *cursor) find(r rune) place {
	if unicode.IsSpace(r) {
		here := place{c.line, c.column}
		if c.line <= len(c.lines) && c.column <= len(c.lines[c.line-1]) && unicode.IsSpace(c.lines[c.line-1][c.column-1]) {
			c.column++
		}
		return here
	}
	for line, column := c.line, c.column; line <= len(c.lines); line, column = line+1, 1 {
		for ; column <= len(c.lines[line-1]); column++ {
			switch found := c.lines[line-1][column-1]; {
			case found == r:
				c.line, c.column = line, column+1
				return place{line, column}
			case !unicode.IsSpace(found) && !strings.ContainsRune("\\\"'", found):
				return place{c.line, c.column} // r was written as an escape
			}
		}
	}
	return place{c.line, c.column}
}

// Template is text with ${expressions} in it.
type Template struct {
	Parts []Part
}

// Part is a piece of text or, where Expr is set, an expression.
type Part struct {
	Text string
	Expr *Expr
}

// String is the template as it was written.
func (t Template) String() string {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Expr != nil {
			b.WriteString("${" + p.Expr.Source + "}")
			continue
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// newTemplate splits text at its expressions; ok is false where one has no end.
func newTemplate(e Expr) (t Template, ok bool) {
	text := e.Source
	at := 0
	for {
		start := strings.Index(text[at:], "${")
		if start < 0 {
			return t.text(text[at:]), true
		}
		t = t.text(text[at : at+start])
		end := closing(text[at+start+2:])
		if end < 0 {
			return t, false
		}
		from := at + start + 2
		part := e.sub(from, from+end)
		t.Parts = append(t.Parts, Part{Expr: &part})
		at = from + end + 1
	}
}

func (t Template) text(s string) Template {
	if s != "" {
		t.Parts = append(t.Parts, Part{Text: s})
	}
	return t
}

// closing finds the brace that ends an expression, past nested ones and strings.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			for q := s[i]; i+1 < len(s); {
				i++
				if s[i] == '\\' {
					i++
				} else if s[i] == q {
					break
				}
			}
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}
