package analyze

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/vm"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// Outcome is what the rules say of a mesh.
type Outcome struct {
	Findings  []*Finding
	Undecided []Undecided
	// Rules counts them by how they ended.
	Rules RuleCount
}

// Undecided is a rule that lacked what it needs, or a part of it.
type Undecided struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Reasons []string `json:"reasons"`
}

// RuleCount is how many rules ended in which way.
type RuleCount struct {
	Total         int `json:"total"`
	Decided       int `json:"decided"`
	Undecided     int `json:"undecided"`
	NotApplicable int `json:"notApplicable"`
}

// Run evaluates every rule on the mesh.
func (e *Engine) Run(ctx context.Context, m *mesh.Mesh) (*Outcome, error) {
	out := &Outcome{}
	out.Rules.Total = len(e.rules)
	var hits []*hit
	for _, c := range e.rules {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		r := c.run(m)
		hits = append(hits, r.hits...)
		switch {
		case len(r.gaps) > 0:
			out.Undecided = append(out.Undecided, Undecided{ID: c.rule.ID, Title: c.rule.Title, Reasons: reasons(r.gaps)})
			out.Rules.Undecided++
		case r.applicable == 0:
			out.Rules.NotApplicable++
		default:
			out.Rules.Decided++
		}
	}
	explain(hits)
	out.Findings = roll(hits)
	return out, nil
}

// evaluation is one rule under way.
type evaluation struct {
	c          *compiled
	mesh       *mesh.Mesh
	machine    vm.VM
	applicable int
	hits       []*hit
	gaps       []mesh.Gap
}

func (c *compiled) run(m *mesh.Mesh) *evaluation {
	ev := &evaluation{c: c, mesh: m}
	strict := false
	scoped := map[string]bool{}
	all := c.source.items(m)
	for _, n := range c.rule.Needs {
		if len(all) > 0 {
			if _, own := all[0].Gap(n.Name); own {
				scoped[n.Name] = true
				continue
			}
		}
		gaps := m.Gaps(n.Name)
		ev.gaps = append(ev.gaps, gaps...)
		strict = strict || n.Strict && len(gaps) > 0
	}
	if strict {
		return ev
	}
	for _, item := range all {
		ev.item(item, scoped)
	}
	return ev
}

func (ev *evaluation) item(item mesh.Item, scoped map[string]bool) {
	c := ev.c
	env := map[string]any{"mesh": ev.mesh, c.source.variable: item}
	if c.where != nil {
		about, err := ev.truth(c.where, env)
		if err != nil {
			ev.fault(item, err)
			return
		}
		if !about {
			return
		}
	}
	ev.applicable++
	for input := range scoped {
		if gap, _ := item.Gap(input); gap != nil {
			ev.gaps = append(ev.gaps, *gap)
			return
		}
	}
	for _, l := range c.let {
		v, err := ev.eval(l.program, env)
		if err != nil {
			ev.fault(item, err)
			return
		}
		env[l.name] = v
	}
	found, err := ev.truth(c.when, env)
	if err != nil {
		ev.fault(item, err)
		return
	}
	if found {
		ev.hit(item, env)
	}
}

// fault makes an expression that fails on an item a reason to be undecided,
// rather than a pass.
func (ev *evaluation) fault(item mesh.Item, err error) {
	text, _, _ := strings.Cut(err.Error(), "\n")
	ev.gaps = append(ev.gaps, mesh.Gap{Subject: item.Subject().String(), Reason: "the rule failed on it: " + text})
}

func (ev *evaluation) eval(p *vm.Program, env map[string]any) (any, error) {
	return ev.machine.Run(p, env)
}

func (ev *evaluation) truth(p *vm.Program, env map[string]any) (bool, error) {
	v, err := ev.eval(p, env)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("want true or false, got %T", v)
	}
	return b, nil
}

func (ev *evaluation) hit(item mesh.Item, env map[string]any) {
	c := ev.c
	h := &hit{c: c, refs: map[string]bool{}}
	for _, key := range item.Refs() {
		h.refs[key] = true
	}
	h.subjects = ev.subjects(item, env)
	for _, s := range h.subjects {
		h.refs[s.Key()] = true
	}
	h.evidence = ev.evidenceOf(item, env)
	if c.group != nil {
		if v, err := ev.eval(c.group, env); err == nil {
			h.group = fmt.Sprint(v)
		}
	}
	h.message, h.cause = ev.render(c.message, env), ev.render(c.cause, env)
	h.impact, h.remedy = ev.render(c.impact, env), ev.render(c.remedy, env)
	ev.hits = append(ev.hits, h)
}

func (ev *evaluation) subjects(item mesh.Item, env map[string]any) []mesh.Subject {
	if ev.c.subject == nil {
		return []mesh.Subject{item.Subject()}
	}
	v, err := ev.eval(ev.c.subject, env)
	if err != nil {
		return []mesh.Subject{item.Subject()}
	}
	var out []mesh.Subject
	each(v, func(v any) {
		if i, ok := v.(interface{ Subject() mesh.Subject }); ok {
			out = append(out, i.Subject())
		}
	})
	if len(out) == 0 {
		return []mesh.Subject{item.Subject()}
	}
	return out
}

func (ev *evaluation) evidenceOf(item mesh.Item, env map[string]any) []mesh.Evidence {
	if len(ev.c.evidence) == 0 {
		return item.Evidence()
	}
	var out []mesh.Evidence
	for _, p := range ev.c.evidence {
		v, err := ev.eval(p, env)
		if err != nil {
			continue
		}
		each(v, func(v any) {
			if i, ok := v.(interface{ Evidence() []mesh.Evidence }); ok && len(out) < evidenceKept {
				out = append(out, i.Evidence()...)
			}
		})
	}
	if len(out) == 0 {
		return item.Evidence()
	}
	return out
}

// each calls fn for a value, or for every element of a list; nil is none.
func each(v any, fn func(any)) {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Invalid:
	case reflect.Slice:
		for i := range rv.Len() {
			each(rv.Index(i).Interface(), fn)
		}
	case reflect.Pointer:
		if !rv.IsNil() {
			fn(v)
		}
	default:
		fn(v)
	}
}

func (ev *evaluation) render(t text, env map[string]any) string {
	var b strings.Builder
	for _, p := range t {
		if p.program == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := ev.eval(p.program, env)
		if err != nil {
			b.WriteString("?")
			continue
		}
		fmt.Fprint(&b, v)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// reasons says each gap once, with how many share it.
func reasons(gaps []mesh.Gap) []string {
	const shown = 3
	var order []string
	by := map[string][]string{}
	for _, g := range gaps {
		if by[g.Reason] == nil {
			order = append(order, g.Reason)
		}
		if !slices.Contains(by[g.Reason], g.Subject) {
			by[g.Reason] = append(by[g.Reason], g.Subject)
		}
	}
	out := make([]string, 0, len(order))
	for _, reason := range order {
		who := by[reason]
		slices.Sort(who)
		text := strings.Join(who[:min(shown, len(who))], ", ")
		if len(who) > shown {
			text += fmt.Sprintf(" and %d more", len(who)-shown)
		}
		out = append(out, text+": "+reason)
	}
	return out
}

// explain ties each symptom to its cause: a hit of a rule that explains it,
// about something that the symptom is about too.
func explain(hits []*hit) {
	causes := map[string][]*hit{} // by the rule that they explain
	for _, h := range hits {
		for _, id := range h.c.rule.Explains {
			causes[id] = append(causes[id], h)
		}
	}
	for _, h := range hits {
		for _, cause := range causes[h.c.rule.ID] {
			if cause != h && touches(cause, h) && !explainedBy(cause, h) {
				h.by = cause
				break
			}
		}
	}
}

// touches is true where either is about a subject of the other.
func touches(cause, symptom *hit) bool {
	about := func(subjects []mesh.Subject, refs map[string]bool) bool {
		return slices.ContainsFunc(subjects, func(s mesh.Subject) bool { return refs[s.Key()] })
	}
	return about(cause.subjects, symptom.refs) || about(symptom.subjects, cause.refs)
}

// explainedBy keeps two rules that explain each other from going in a circle.
func explainedBy(h, by *hit) bool {
	for ; h != nil; h = h.by {
		if h == by {
			return true
		}
	}
	return false
}
