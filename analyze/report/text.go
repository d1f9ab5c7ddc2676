package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/zbundle/zbundle/analyze/result"
)

// How much of a list is shown; `-o json` has all of it.
const (
	shownSubjects = 10
	shownEvidence = 5
	shownReasons  = 3
	shownProblems = 20
)

// Options say how to print for a person; a form for programs has no use for them.
type Options struct {
	Color bool
	Width int // columns; 0 stands for 100
	// Past shows findings that are over like those that go on.
	Past bool
}

// Text writes the result for a person: the verdict, how much evidence there
// was, the findings, worst first, and what could not be decided.
func Text(w io.Writer, r *result.Result, opts Options) error {
	p := newPrinter(w, opts)
	p.head(r)
	for _, f := range r.Findings {
		p.finding(f)
	}
	p.past(r)
	p.suppressed(r)
	p.tooYoung(r)
	p.inFlight(r)
	p.undecided(r)
	p.problems(r)
	return p.err
}

// Finding writes one finding as Text does.
func Finding(w io.Writer, f *result.Finding, opts Options) error {
	p := newPrinter(w, opts)
	p.finding(f)
	return p.err
}

func newPrinter(w io.Writer, opts Options) *printer {
	if opts.Width <= 0 {
		opts.Width = 100
	}
	return &printer{w: w, opts: opts}
}

func (p *printer) head(r *result.Result) {
	p.line("%s", p.verdict(r))
	where := r.Bundle.File
	if r.Bundle.Cluster != "" {
		where += " of " + r.Bundle.Cluster
	}
	if r.Bundle.Captured != "" {
		where += ", captured " + r.Bundle.Captured
	}
	p.labelled("bundle", where)
	c := r.Completeness
	p.labelled("evidence", fmt.Sprintf("%s, %s, %s; %d of %d rules decided",
		of(c.Ztunnels, "ztunnel"), of(c.Istiods, "istiod"), of(c.CNIs, "istio-cni"), c.Rules.Decided+c.Rules.NotApplicable, c.Rules.Total))
	p.labelled("read", fmt.Sprintf("%s, %s, %s, %s, %s, %s", plural(c.Read.Pods, "pod"), plural(c.Read.Workloads, "workload"),
		plural(c.Read.Services, "service"), plural(c.Read.Policies, "authorization policy"), plural(c.Read.Certificates, "certificate"),
		plural(c.Read.Flows, "flow")))
}

func (p *printer) verdict(r *result.Result) string {
	counts := map[result.Severity]int{}
	for _, f := range r.Findings {
		counts[f.Severity]++
	}
	var parts []string
	for _, s := range result.Severities() {
		if counts[s] > 0 {
			parts = append(parts, p.severity(s, fmt.Sprintf("%d %s", counts[s], s)))
		}
	}
	apart := ""
	if n := len(r.Suppressed); n > 0 {
		apart = fmt.Sprintf(" (%d suppressed)", n)
	}
	switch {
	case len(parts) > 0:
		return "found: " + strings.Join(parts, ", ") + apart
	case r.Verdict == result.IsSuppressed:
		return "nothing found but what is suppressed" + apart
	case r.Verdict == result.Clean:
		return p.color("32", "clean: nothing is wrong that zbundle can see") + apart
	}
	return "nothing found, but not everything could be looked at" + apart
}

func of(c result.Count, what string) string {
	if c.Total == 0 {
		return "no " + what
	}
	return fmt.Sprintf("%d of %s", c.Read, plural(c.Total, what))
}

func plural(n int, what string) string {
	switch {
	case n == 1 || strings.HasSuffix(what, "cni"):
		return fmt.Sprintf("%d %s", n, what)
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) finding(f *result.Finding) {
	p.line("")
	p.line("%s  %s", p.severity(f.Severity, strings.ToUpper(string(f.Severity))+" "+f.ID), f.Title)
	if f.Cluster != "" {
		p.labelled("cluster", f.Cluster)
	}
	p.labelled("", f.Message)
	p.subjects(f.Subjects)
	if f.Confidence != "certain" {
		p.labelled("sure?", "This is "+f.Confidence+", not proven by the bundle alone.")
	}
	if f.But != "" {
		p.labelled("but", f.But)
	}
	p.since(f)
	p.changes(f)
	p.labelled("cause", f.Cause)
	for _, c := range f.OtherCauses {
		p.labelled("or", c.Cause+" "+c.Remedy)
	}
	p.labelled("impact", f.Impact)
	p.labelled("do", f.Remedy)
	for i, e := range f.Evidence {
		if i == shownEvidence {
			p.labelled("", fmt.Sprintf("and %d more places (see -o json)", len(f.Evidence)-i))
			break
		}
		p.evidence(i, e)
	}
	for _, s := range f.Explains {
		p.labelled("explains", fmt.Sprintf("%s %s: %s", s.Severity, s.ID, s.Message))
	}
}

// since says when it was seen.
func (p *printer) since(f *result.Finding) {
	switch {
	case f.Since != "":
		p.labelled("since", f.Since)
	case f.First != "" && f.State == result.Ongoing:
		p.labelled("since", f.First)
	case f.Last != "":
		p.labelled("last seen", f.Last)
	}
}

// singular is a resource's name for one object.
func singular(resource string) string {
	if stem, ok := strings.CutSuffix(resource, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(resource, "s")
}

// changes names what was changed just before.
func (p *printer) changes(f *result.Finding) {
	for _, c := range f.Changes {
		name := c.Name
		if c.Namespace != "" {
			name = c.Namespace + "/" + c.Name
		}
		fields := ""
		if len(c.Paths) > 0 {
			fields = " (" + strings.Join(c.Paths, ", ") + ")"
		}
		p.labelled("near", fmt.Sprintf("%s %s was changed by %s at %s%s", singular(c.Resource), name, c.Manager, c.Time, fields))
	}
}

func (p *printer) subjects(list []result.Subject) {
	if len(list) < 2 {
		return
	}
	for i, s := range list {
		label := ""
		if i == 0 {
			label = fmt.Sprintf("all %d", len(list))
		}
		if i == shownSubjects {
			p.labelled("", fmt.Sprintf("and %d more (see -o json)", len(list)-i))
			return
		}
		p.labelled(label, s.String())
	}
}

// evidence prints a place on a line of its own, never broken: it is there to be copied.
func (p *printer) evidence(i int, e result.Evidence) {
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
	p.line("  %-*s%s", labelWidth-2, label, printable(place))
	if e.Text != "" {
		const indent = labelWidth + 2
		text := p.cut(indent, strings.ReplaceAll(printable(e.Text), "\t", " "))
		p.line("%s%s", strings.Repeat(" ", indent), p.color("2", text))
	}
}

// suppressed lists what is shown apart, and the suppressions that have expired.
func (p *printer) suppressed(r *result.Result) {
	if len(r.Suppressed) > 0 {
		p.line("")
		p.line("%s suppressed:", plural(len(r.Suppressed), "finding"))
	}
	for _, f := range r.Suppressed {
		who := f.Subjects[0].String()
		if more := len(f.Subjects) - 1; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		p.wrap("  - ", 4, fmt.Sprintf("%s %s: %s (%s)", f.Severity, f.ID, who, f.SuppressedFor))
	}
	for _, s := range r.Suppressions {
		switch {
		case s.Expired:
			p.line("")
			p.wrap("", 4, fmt.Sprintf("The suppression of %s expired on %s (%s).", s.ID, s.Expires, s.Reason))
		case s.Subjects == 0:
			p.line("")
			p.wrap("", 4, fmt.Sprintf("The suppression of %s suppressed nothing.", s.ID))
		}
	}
}

// past lists what came and went.
func (p *printer) past(r *result.Result) {
	if len(r.Past) == 0 {
		return
	}
	p.line("")
	if p.opts.Past {
		p.line("Over:")
		for _, f := range r.Past {
			p.finding(f)
		}
		return
	}
	p.line("Over (--past shows them in full):")
	for i, f := range r.Past {
		if i == shownSubjects {
			p.line("  and %d more (see --past)", len(r.Past)-i)
			return
		}
		p.wrap("  - ", 4, f.ID+": "+f.Message+when(f))
	}
}

// when says from when to when a finding was seen.
func when(f *result.Finding) string {
	switch {
	case f.Last == "":
		return ""
	case f.First == "" || f.First == f.Last:
		return fmt.Sprintf(" Last at %s.", f.Last)
	}
	return fmt.Sprintf(" From %s to %s.", f.First, f.Last)
}

// tooYoung lists what had only just begun.
func (p *printer) tooYoung(r *result.Result) {
	if len(r.TooYoung) == 0 {
		return
	}
	var order []string
	seen := map[string]bool{}
	for _, t := range r.TooYoung {
		for _, s := range t.Subjects {
			if name := s.String(); !seen[name] {
				seen[name] = true
				order = append(order, name)
			}
		}
	}
	more := ""
	if n := len(order) - shownSubjects; n > 0 {
		order, more = order[:shownSubjects], fmt.Sprintf(" and %d more (see -o json)", n)
	}
	p.line("")
	p.wrap("", 4, "Too young to judge: "+strings.Join(order, ", ")+more+". Collect again in a minute.")
}

// inFlight lists what changed while the collection ran.
func (p *printer) inFlight(r *result.Result) {
	if len(r.InFlight) == 0 {
		return
	}
	p.line("")
	p.line("In flight: %s changed while the collection ran, so that differences about them are no faults:", plural(len(r.InFlight), "thing"))
	for i, c := range r.InFlight {
		if i == shownSubjects {
			p.line("  and %d more (see -o json)", len(r.InFlight)-i)
			return
		}
		text := c.Subject.String() + " " + c.What
		if len(c.Rules) > 0 {
			text += " (else: " + strings.Join(c.Rules, ", ") + ")"
		}
		p.wrap("  - ", 4, text)
	}
}

// undecided lists the rules that could not look, by what they lacked.
func (p *printer) undecided(r *result.Result) {
	if len(r.Undecided) == 0 {
		return
	}
	var order []string
	by := map[string][]string{}
	for _, u := range r.Undecided {
		reasons := u.Reasons
		if len(reasons) > shownReasons {
			reasons = append(reasons[:shownReasons:shownReasons], fmt.Sprintf("and %d more", len(u.Reasons)-shownReasons))
		}
		key := strings.Join(reasons, "; ")
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], u.ID)
	}
	p.line("")
	p.line("%s undecided, for want of evidence:", plural(len(r.Undecided), "rule"))
	for _, key := range order {
		p.wrap("  - ", 4, key)
		p.wrap("      ", 6, strings.Join(by[key], ", "))
	}
	if len(r.Decided) > 0 {
		p.wrap("Decided: ", 4, strings.Join(r.Decided, ", "))
	}
}

func (p *printer) problems(r *result.Result) {
	if len(r.Completeness.Problems) == 0 {
		return
	}
	p.line("")
	p.line("Not read:")
	for i, problem := range r.Completeness.Problems {
		if i == shownProblems {
			p.line("  and %d more (see -o json)", len(r.Completeness.Problems)-i)
			return
		}
		p.wrap("  - ", 4, problem.Path+": "+problem.Text)
	}
}
