package rules

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// maxFile bounds a rule file, in bytes.
const maxFile = 1 << 20

// Builtin are the rules that zbundle comes with.
func Builtin() ([]*Rule, error) {
	sub, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, err
	}
	set, err := Load(sub, "")
	for _, r := range set {
		r.Builtin = true
	}
	return set, err
}

// Load reads every .yaml and .yml file of a folder, whose name goes before
// those of its files. The error joins all Problems of all files; a rule with
// any is Broken: its expressions can still be checked, but it is not to be run.
func Load(dir fs.FS, folder string) ([]*Rule, error) {
	var rules []*Rule
	var errs []error
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := path.Ext(name); d.IsDir() || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			errs = append(errs, Problem{File: path.Join(folder, name), Line: 1, Column: 1, Text: fmt.Sprintf("the file has %d bytes, which exceeds the limit of %d for a rule", info.Size(), maxFile)})
			return nil
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		rule, problems := Parse(path.Join(folder, name), data)
		for _, p := range problems {
			errs = append(errs, p)
		}
		if rule != nil {
			rules = append(rules, rule)
		}
		return nil
	})
	return rules, errors.Join(append(errs, err)...)
}

// Parse reads one rule file. Where it is a mapping at all there is a rule,
// which is Broken if there are problems.
func Parse(file string, data []byte) (*Rule, []Problem) {
	p := &parser{file: file, rule: &Rule{File: file, Line: 1, Hash: hash(data), Confidence: "certain", at: map[string]place{}}}
	for _, line := range strings.Split(string(data), "\n") {
		p.lines = append(p.lines, []rune(strings.TrimSuffix(line, "\r")))
	}
	var doc, more yaml.Node
	files := yaml.NewDecoder(bytes.NewReader(data))
	if err := files.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, []Problem{syntax(file, err)}
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, []Problem{{file, 1, 1, "a rule file holds one mapping, with id, title, severity and the rest"}}
	}
	p.mapping(doc.Content[0])
	if err := files.Decode(&more); !errors.Is(err, io.EOF) {
		p.problem(&more, "a rule file holds one rule, and another document begins here")
	}
	p.rule.Broken = len(p.problems) > 0
	return p.rule, p.problems
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func syntax(file string, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Text: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		fmt.Sscan(m[1], &p.Line)
		p.Text = m[2]
	}
	return p
}

type parser struct {
	file     string
	lines    [][]rune
	rule     *Rule
	problems []Problem
}

func (p *parser) problem(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, Problem{p.file, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)})
}

func (p *parser) mark(field string, n *yaml.Node) {
	p.rule.at[field] = place{max(n.Line, 1), max(n.Column, 1)}
}

func field(name string, index int) string { return name + "/" + strconv.Itoa(index) }

// required fields, in the order in which a missing one is named.
var required = []string{"id", "title", "severity", "category", "for", "needs", "when", "message", "cause", "impact", "remedy"}

func (p *parser) mapping(n *yaml.Node) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			p.problem(key, "duplicate field %q", key.Value)
			continue
		}
		seen[key.Value] = true
		p.field(key, value)
	}
	for _, name := range required {
		if !seen[name] {
			p.problem(n, "field %q is missing", name)
		}
	}
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (p *parser) field(key, value *yaml.Node) {
	r := p.rule
	switch key.Value {
	case "id":
		r.ID, r.Line = p.text(value), value.Line
		p.mark("id", value)
		if !identifier.MatchString(r.ID) {
			p.problem(value, "id %q is not of the form words-with-dashes", r.ID)
		}
	case "title":
		r.Title = p.text(value)
	case "severity":
		r.Severity = Severity(p.oneOf(value, names(Severities())))
	case "category":
		r.Category = p.oneOf(value, Categories())
	case "confidence":
		r.Confidence = p.oneOf(value, []string{"certain", "likely", "hint"})
	case "for":
		r.For = p.text(value)
		p.mark("for", value)
	case "where":
		r.Where = p.expr(value)
	case "when":
		r.When = p.expr(value)
	case "subject":
		r.Subject = p.expr(value)
	case "group":
		r.Group = p.expr(value)
	case "needs":
		for i, n := range p.list(value) {
			p.mark(field("needs", i), n)
			name, strict := strings.CutSuffix(n.Value, "!")
			r.Needs = append(r.Needs, Need{name, strict})
		}
	case "reads":
		r.Reads = p.texts(value)
		for i, n := range value.Content {
			p.mark(field("reads", i), n)
		}
	case "let":
		p.let(value)
	case "evidence":
		for _, n := range p.list(value) {
			r.Evidence = append(r.Evidence, newExpr(n, p.file, p.lines))
		}
	case "message":
		r.Message = p.template(value)
	case "cause":
		r.Cause = p.template(value)
	case "impact":
		r.Impact = p.template(value)
	case "remedy":
		r.Remedy = p.template(value)
	case "docs":
		r.Docs = p.texts(value)
	case "explains":
		r.Explains = p.texts(value)
		for i, n := range value.Content {
			p.mark(field("explains", i), n)
		}
	case "versions":
		p.decode(value, &r.Versions)
	case "tests":
		p.tests(value)
	case "mutants":
		p.excuses(value)
	default:
		if !p.evidence(key, value) {
			p.problem(key, "unknown field %q", key.Value)
		}
	}
}

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func (p *parser) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		p.problem(n, "want text here")
		return ""
	}
	if strings.TrimSpace(n.Value) == "" {
		p.problem(n, "want text here, not an empty value")
	}
	return n.Value
}

func (p *parser) oneOf(n *yaml.Node, allowed []string) string {
	v := p.text(n)
	if !slices.Contains(allowed, v) {
		p.problem(n, "%q must be one of %s", v, strings.Join(allowed, ", "))
	}
	return v
}

func (p *parser) list(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.problem(n, "want a list here")
		return nil
	}
	for _, e := range n.Content {
		if e.Kind != yaml.ScalarNode {
			p.problem(e, "want text here")
			return nil
		}
	}
	return n.Content
}

func (p *parser) texts(n *yaml.Node) []string {
	var out []string
	for _, e := range p.list(n) {
		out = append(out, e.Value)
	}
	return out
}

func (p *parser) expr(n *yaml.Node) *Expr {
	p.text(n)
	e := newExpr(n, p.file, p.lines)
	return &e
}

func (p *parser) template(n *yaml.Node) Template {
	p.text(n)
	t, ok := newTemplate(newExpr(n, p.file, p.lines))
	if !ok {
		p.problem(n, "a ${ in the text has no closing }")
	}
	return t
}

var letName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)

func (p *parser) let(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.problem(n, "let holds names and expressions")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		field := "let/" + name.Value
		if !letName.MatchString(name.Value) {
			p.problem(name, "%q is not a name for a value: want letters and digits", name.Value)
		}
		if _, twice := p.rule.at[field]; twice {
			p.problem(name, "duplicate name %q", name.Value)
		}
		p.mark(field, name)
		p.rule.Let = append(p.rule.Let, Let{name.Value, *p.expr(n.Content[i+1])})
	}
}

func (p *parser) decode(n *yaml.Node, to any) {
	if err := n.Decode(to); err != nil {
		p.problem(n, "%v", err)
	}
}

func (p *parser) tests(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.problem(n, "tests is a list")
		return
	}
	for _, e := range n.Content {
		p.test(e)
	}
}

func (p *parser) test(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.problem(n, "a test has name, change and expect")
		return
	}
	t := Test{World: "healthy", Line: n.Line}
	expects := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "name":
			t.Name = p.text(value)
		case "world":
			t.World = p.text(value)
		case "change":
			t.Change = p.changes(value)
		case "tells":
			t.Tells = p.texts(value)
		case "only":
			p.decode(value, &t.Only)
		case "unless":
			t.Unless = p.alterations(value)
		case "still":
			t.Still = p.alterations(value)
		case "expect":
			expects = true
			if value.Kind == yaml.ScalarNode && value.Value == "undecided" {
				t.Undecided = true
				continue
			}
			t.Expect = p.texts(value)
		default:
			p.problem(key, "unknown field %q of a test", key.Value)
		}
	}
	if t.Name == "" || !expects {
		p.problem(n, "a test needs name and expect")
	}
	if len(t.Unless)+len(t.Still) > 0 && len(t.Expect) == 0 {
		p.problem(n, "unless and still alter what the test finds, but the test expects no finding")
	}
	p.rule.Tests = append(p.rule.Tests, t)
}

var changeFields = []string{"file", "remove", "set", "append", "replace", "missing", "reason"}

func (p *parser) changes(n *yaml.Node) []Change {
	var out []Change
	if n.Kind != yaml.SequenceNode {
		p.problem(n, "change is a list of edits")
		return nil
	}
	for _, e := range n.Content {
		for i := 0; e.Kind == yaml.MappingNode && i+1 < len(e.Content); i += 2 {
			if key := e.Content[i]; !slices.Contains(changeFields, key.Value) {
				p.problem(key, "unknown field %q of a change", key.Value)
			}
		}
		var c Change
		p.decode(e, &c)
		if c.File == "" {
			p.problem(e, "a change names a file")
		}
		out = append(out, c)
	}
	return out
}
