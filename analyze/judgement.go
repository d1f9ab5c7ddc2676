package analyze

import (
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// judgement is what a rule says of the evidence for an item that it found.
type judgement struct {
	gone, stands, young *program
	causes              []cause
	against             []counter
}

// cause is one of several that a finding can have.
type cause struct {
	when                           *program // nil where it is merely possible
	severity                       rules.Severity
	message, cause, impact, remedy template
}

// counter is evidence against what a rule claims.
type counter struct {
	when *program
	says template
	hint bool
}

// evidence compiles the fields by which evidence decides.
func (c *compiler) evidence() {
	r := c.rule
	r.gone, r.stands, r.young = c.expr(r.Over, boolean()), c.expr(r.Stands, boolean()), c.expr(r.Young, boolean())
	for i := range r.Causes {
		from := &r.Causes[i]
		r.causes = append(r.causes, cause{
			when: c.expr(from.If, boolean()), severity: from.Severity, message: c.template(from.Message),
			cause: c.template(from.Cause), impact: c.template(from.Impact), remedy: c.template(from.Remedy),
		})
	}
	for i := range r.Rule.Against {
		from := &r.Rule.Against[i]
		r.against = append(r.against, counter{when: c.expr(from.If, boolean()), says: c.template(from.Says), hint: from.Hint})
	}
}

// timed is an item that knows when it was seen, and whether it still holds. All
// others are what the bundle holds now.
type timed interface{ Timing() mesh.Timing }

// ruling is what the evidence leaves of a claim.
type ruling struct {
	timing   mesh.Timing
	severity rules.Severity
	cause    int    // index of the one that is told, -1 for the rule's own
	but      string // what does not support the claim
}

// rule weighs the evidence for an item that the rule found; ok is false where
// the evidence contradicts it.
func (ev *evaluation) weigh(item mesh.Item) (ruling, bool) {
	r := ev.rule
	out := ruling{timing: mesh.Timing{State: mesh.Ongoing}, severity: r.Severity, cause: -1}
	for _, c := range r.against {
		switch {
		case ev.holds(item, c.when) && !c.hint:
			return out, false
		case c.hint && out.but == "" && ev.holds(item, c.when):
			out.but, out.severity = ev.render(item, c.says), rules.Hint
		}
	}
	if t, ok := item.(timed); ok {
		out.timing = t.Timing()
	}
	switch {
	case ev.holds(item, r.stands):
		out.timing.State = mesh.Ongoing
	case ev.holds(item, r.gone):
		out.timing.State = mesh.Over
	}
	out.cause = ev.chosen(item)
	if out.cause >= 0 && out.but == "" {
		if own := r.causes[out.cause].severity; own != "" {
			out.severity = own
		}
	}
	switch out.timing.State {
	case mesh.Over:
		out.severity = rules.Hint
	case mesh.Unknown:
		out.severity = atMost(rules.Warning, out.severity)
	}
	if f, ok := item.(*mesh.Flow); ok && f.Outage && out.timing.State != mesh.Over {
		out.severity = atLeast(rules.Warning, out.severity) // whoever's fault it is
	}
	return out, true
}

// chosen is the first cause that the evidence decides for, or else the first
// that is possible; -1 for the rule's own.
func (ev *evaluation) chosen(item mesh.Item) int {
	for i, c := range ev.rule.causes {
		if c.when != nil && ev.holds(item, c.when) {
			return i
		}
	}
	return slices.IndexFunc(ev.rule.causes, func(c cause) bool { return c.when == nil })
}

// holds evaluates a condition of the item; one that is not there or fails does not hold.
func (ev *evaluation) holds(item mesh.Item, p *program) bool {
	if p == nil {
		return false
	}
	is, err := ev.truth(p)
	if err != nil {
		ev.fault(item, err)
		return false
	}
	return is
}

// atMost is the lesser of two severities.
func atMost(limit, s rules.Severity) rules.Severity {
	all := rules.Severities()
	return all[max(slices.Index(all, limit), slices.Index(all, s))]
}

// atLeast is the graver of two severities.
func atLeast(limit, s rules.Severity) rules.Severity {
	all := rules.Severities()
	return all[min(slices.Index(all, limit), slices.Index(all, s))]
}

// told are the texts of the cause that was chosen, with those that are possible beside it.
func (ev *evaluation) texts(item mesh.Item, chosen int) *telling {
	r := ev.rule
	t := cause{message: r.message, cause: r.cause, impact: r.impact, remedy: r.remedy}
	decided := false
	if chosen >= 0 {
		c := r.causes[chosen]
		decided = c.when != nil
		t.cause, t.remedy = c.cause, c.remedy
		if len(c.message) > 0 {
			t.message = c.message
		}
		if len(c.impact) > 0 {
			t.impact = c.impact
		}
	}
	told := &telling{
		message: ev.render(item, t.message), cause: ev.render(item, t.cause),
		impact: ev.render(item, t.impact), remedy: ev.render(item, t.remedy),
	}
	if !decided {
		for i, c := range r.causes {
			if c.when == nil && i != chosen {
				told.others = append(told.others, result.OtherCause{Cause: ev.render(item, c.cause), Remedy: ev.render(item, c.remedy)})
			}
		}
	}
	return told
}

// tooYoung notes an item that can't be judged yet.
func (ev *evaluation) tooYoung(item mesh.Item) bool {
	if !ev.holds(item, ev.rule.young) {
		return false
	}
	ev.young = append(ev.young, item.Subject())
	return true
}

// claimed is what rules have found something about, so that what nothing
// explains can be told. A failure speaks for its kin: fewer of the same kind
// are too few for the rule that knows them, and not unexplained.
type claimed struct {
	items map[mesh.Item]bool
	kin   map[string]bool
}

func newClaimed() *claimed { return &claimed{items: map[mesh.Item]bool{}, kin: map[string]bool{}} }

func (c *claimed) add(h *hit) {
	things := []any{h.matter.item}
	for _, thing := range h.matter.shown {
		things = append(things, thing)
	}
	for _, thing := range things {
		item, ok := thing.(mesh.Item)
		if !ok {
			continue
		}
		c.items[item] = true
		if f, ok := item.(*mesh.Flow); ok {
			c.kin[f.Kin()] = true
		}
	}
}

// has is true of an item that a rule has found something about; nothing is claimed of nil.
func (c *claimed) has(item mesh.Item) bool {
	if c == nil {
		return false
	}
	f, ok := item.(*mesh.Flow)
	return c.items[item] || ok && c.kin[f.Kin()]
}
