// Package rules reads rule files: what to look for in a mesh, in YAML with
// expr expressions. docs/rules/writing.md describes the format. Package analyze types
// the expressions against the model and runs them.
package rules

import "fmt"

// Severity says how bad a finding is.
type Severity string

const (
	Critical Severity = "critical" // traffic down or a security property lost for many
	Error    Severity = "error"    // for some
	Warning  Severity = "warning"  // will break soon, or degraded
	Notice   Severity = "notice"   // true, and may be meant so
	Hint     Severity = "hint"     // look here
)

// Severities in falling order.
func Severities() []Severity { return []Severity{Critical, Error, Warning, Notice, Hint} }

// Categories in the order in which a report shows them: a cause's before its effects'.
func Categories() []string {
	return []string{
		"control-plane", "resources", "enrolment", "certificates", "workloads", "multi-cluster", "waypoints",
		"policy", "hbone", "load-balancing", "dns", "versions", "platform",
	}
}

// Rule is one rule file.
type Rule struct {
	Builtin    bool // one that zbundle comes with
	ID         string
	Title      string
	Severity   Severity
	Category   string
	Confidence string // "certain", "likely" or "hint"
	For        string // a collection of the model, or "mesh"
	Where      *Expr  // which items the rule is about; nil for all
	Needs      []Need
	Reads      []string // inputs that it reads where they are there
	Let        []Let
	When       *Expr // true makes a finding of the item
	Subject    *Expr // nil for the item itself
	Group      *Expr // one finding for each value; nil for one in all
	Evidence   []Expr
	Message    Template
	Cause      Template
	Impact     Template
	Remedy     Template
	Docs       []string
	Versions   map[string]string
	Explains   []string // rules whose findings are symptoms of this one's
	// Reach are the kinds of subject that findings have which this rule's may explain; nil for all.
	Reach []string
	// Over is true of an item whose cause is gone or changed since, Stands of one
	// whose cause is still in the bundle; where neither is, the item itself says when it was.
	Over, Stands *Expr
	// Young is true of an item that can't be judged yet.
	Young *Expr
	// Unclaimed has only those items judged of which no other rule has found anything.
	Unclaimed bool
	// Causes are tried in their order, before Cause and Remedy.
	Causes []Cause
	// Against is what unmakes the claim; Incontestable says why nothing can.
	Against       []Counter
	Incontestable string
	Tests         []Test
	Mutants       []Excuse

	File string
	Line int    // of the id
	Hash string // of the file without its tests
	// Broken is true of a rule whose file has a Problem.
	Broken bool

	at map[string]place // of fields: "for", "needs/0", "let/name", "explains/2"
}

// Problem is a defect of one of the rule's fields: "for", "needs/<index>",
// "let/<name>", "explains/<index>".
func (r *Rule) Problem(field, format string, args ...any) Problem {
	at, ok := r.at[field]
	if !ok {
		at = place{max(r.Line, 1), 1}
	}
	return Problem{File: r.File, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...)}
}

// Need is an input that a rule reads. A strict one must be whole: where a part
// of it is missing, no item is judged, because absence would prove nothing.
type Need struct {
	Name   string
	Strict bool
}

// Let names a value for the expressions after it.
type Let struct {
	Name string
	Expr Expr
}

// Test is one world to try a rule on.
type Test struct {
	Name   string   `yaml:"name"`
	World  string   `yaml:"world"`
	Change []Change `yaml:"change"`
	Expect []string `yaml:"-"`
	// Undecided expects the rule to be undecided.
	Undecided bool `yaml:"-"`
	// Tells are texts, each of which some message, cause, impact or remedy of what is found holds.
	Tells []string `yaml:"-"`
	// Only expects that no other rule finds anything above a notice.
	Only bool `yaml:"only"`
	// Unless are alterations of what the rule finds after which it finds it no
	// more; Still are those after which it finds it as before.
	Unless []Alteration `yaml:"-"`
	Still  []Alteration `yaml:"-"`
	Line   int          `yaml:"-"`
}

// Alteration changes fields of the model: "pod.ageSeconds = 60; pod.ready = true".
type Alteration struct {
	Expr // as it was written
	Sets []Assignment
}

// Assignment gives the field that a path names the value of an expression.
type Assignment struct{ Path, Value Expr }

// Excuse says why no test can notice a mutant of the rule.
type Excuse struct {
	Mutant string // as `zbundle rules test --mutate` prints it
	Reason string
	Line   int
}

// Change is one edit of a world's file.
type Change struct {
	File    string         `yaml:"file"`
	Remove  string         `yaml:"remove"`  // a JSON pointer
	Set     map[string]any `yaml:"set"`     // JSON pointers and values
	Append  string         `yaml:"append"`  // lines at the end of a text file
	Replace []string       `yaml:"replace"` // old and new text
	Missing string         `yaml:"missing"` // a status: the file is not there, and the manifest says why
	Reason  string         `yaml:"reason"`
}

// Problem is one defect of a rule file.
type Problem struct {
	File         string
	Line, Column int
	Text         string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text) }
