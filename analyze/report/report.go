// Package report renders the result of an analysis: text for a person, JSON
// for a program.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// JSON writes the result as one object.
func JSON(w io.Writer, r *analyze.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// TextOptions say how to print for a person.
type TextOptions struct {
	Color bool
	Width int // columns; 0 stands for 100
}

// Text writes the result for a person: the verdict, how much evidence there
// was, and the findings, worst first.
func Text(w io.Writer, r *analyze.Result, opts TextOptions) error {
	if opts.Width <= 0 {
		opts.Width = 100
	}
	p := &printer{w: w, opts: opts}
	p.head(r)
	for _, f := range r.Findings {
		p.finding(f)
	}
	p.undecided(r)
	p.problems(r)
	return p.err
}

type printer struct {
	w    io.Writer
	opts TextOptions
	err  error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// wrap prints text under a label, broken at the width.
func (p *printer) wrap(label, text string) {
	const indent = "            "
	line := fmt.Sprintf("  %-10s", label)
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > p.opts.Width && len(line) > len(indent) {
			p.line("%s", line)
			line = indent[:len(indent)-1]
		}
		line += " " + word
	}
	p.line("%s", strings.TrimRight(line, " "))
}

func (p *printer) color(code, text string) string {
	if !p.opts.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

var colors = map[rules.Severity]string{
	rules.Critical: "1;31", rules.Error: "31", rules.Warning: "33", rules.Notice: "36", rules.Hint: "2",
}

func (p *printer) head(r *analyze.Result) {
	counts := map[rules.Severity]int{}
	for _, f := range r.Findings {
		counts[f.Severity]++
	}
	var parts []string
	for _, s := range rules.Severities() {
		if counts[s] > 0 {
			parts = append(parts, p.color(colors[s], fmt.Sprintf("%d %s", counts[s], s)))
		}
	}
	switch {
	case len(parts) > 0:
		p.line("%s", strings.Join(parts, ", "))
	case r.Verdict == analyze.Clean:
		p.line("%s", p.color("32", "clean: nothing is wrong that zbundle can see"))
	default:
		p.line("nothing found, but not everything could be looked at")
	}
	c := r.Completeness
	p.line("evidence: ztunnels %d/%d, istiods %d/%d, istio-cni %d/%d, rules decided %d/%d",
		c.Ztunnels.Read, c.Ztunnels.Total, c.Istiods.Read, c.Istiods.Total, c.CNIs.Read, c.CNIs.Total,
		c.Rules.Decided+c.Rules.NotApplicable, c.Rules.Total)
	where := r.Bundle.File
	if r.Bundle.Cluster != "" {
		where += " of " + r.Bundle.Cluster
	}
	if r.Bundle.Captured != "" {
		where += ", captured " + r.Bundle.Captured
	}
	p.line("bundle:   %s", where)
}

func (p *printer) finding(f *analyze.Finding) {
	p.line("")
	p.line("%s  %s", p.color(colors[f.Severity], strings.ToUpper(string(f.Severity))+" "+f.ID), f.Title)
	p.wrap("", f.Message)
	p.subjects(f.Subjects)
	if f.Confidence != "certain" {
		p.wrap("sure?", "This is "+f.Confidence+", not proven by the bundle alone.")
	}
	p.wrap("cause", f.Cause)
	p.wrap("impact", f.Impact)
	p.wrap("do", f.Remedy)
	for i, e := range f.Evidence {
		if i == shownEvidence {
			p.line("             and %d more places (see -o json)", len(f.Evidence)-i)
			break
		}
		p.evidence(i, e)
	}
	for _, s := range f.Explains {
		p.wrap("explains", fmt.Sprintf("%s %s: %s", s.Severity, s.ID, s.Message))
	}
}

const (
	shownSubjects = 10
	shownEvidence = 5
)

func (p *printer) subjects(list []mesh.Subject) {
	if len(list) < 2 {
		return
	}
	for i, s := range list {
		label := ""
		if i == 0 {
			label = fmt.Sprintf("all %d", len(list))
		}
		if i == shownSubjects {
			p.line("             and %d more (see -o json)", len(list)-i)
			return
		}
		p.line("  %-10s %s", label, s)
	}
}

func (p *printer) evidence(i int, e mesh.Evidence) {
	label := ""
	if i == 0 {
		label = "evidence"
	}
	place := e.File
	switch {
	case e.Line > 0:
		place += fmt.Sprintf(":%d", e.Line)
	case e.Pointer != "":
		place += "#" + e.Pointer
	}
	p.line("  %-10s %s", label, place)
	if e.Text != "" {
		text := strings.ReplaceAll(printable(e.Text), "\t", " ")
		if room := p.opts.Width - 15; len(text) > room {
			text = text[:room] + "…"
		}
		p.line("               %s", p.color("2", text))
	}
}

// printable keeps a bundle's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// undecided lists the rules that could not look, by what they lacked.
func (p *printer) undecided(r *analyze.Result) {
	if len(r.Undecided) == 0 {
		return
	}
	var order []string
	by := map[string][]string{}
	for _, u := range r.Undecided {
		key := strings.Join(u.Reasons, "; ")
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], u.ID)
	}
	p.line("")
	p.line("Undecided, for want of evidence:")
	for _, key := range order {
		p.wrap("-", key)
		p.wrap("", "so: "+strings.Join(by[key], ", "))
	}
}

func (p *printer) problems(r *analyze.Result) {
	if len(r.Completeness.Problems) == 0 {
		return
	}
	const shown = 20
	p.line("")
	p.line("Not read:")
	for i, problem := range r.Completeness.Problems {
		if i == shown {
			p.line("  and %d more (see -o json)", len(r.Completeness.Problems)-i)
			return
		}
		p.wrap("-", printable(problem.Path+": "+problem.Text))
	}
}
