package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
)

// Outcome is what the rules say of a mesh.
type Outcome struct {
	Findings  []*result.Finding
	Decided   []string // ids of rules that could look, and had something to look at
	Undecided []result.Undecided
	// Past are those that were over at the capture: they came and went.
	Past []*result.Finding
	// TooYoung are the subjects that rules could not judge yet.
	TooYoung []result.TooYoung
	// Suppressed are the findings that a suppression took, by the order of suppressions.
	Suppressed   []*result.Finding
	Suppressions []SuppressionUse
	// InFlight is what changed while the collection ran: no finding hangs on it.
	InFlight []*mesh.Change
	// Rules counts them by how they ended.
	Rules result.RuleCount
}

// ruleTime bounds how long one rule may run.
const ruleTime = 10 * time.Second

var errRuleTime = fmt.Errorf("it ran for more than %s and was stopped", ruleTime)

// Run judges the mesh by every rule, each of its clusters by itself. The error
// is the context's: no rule can fail.
func (e *Engine) Run(ctx context.Context, m *mesh.Mesh, suppressions ...Suppression) (*Outcome, error) {
	if len(m.Peers) > 0 {
		return e.runClusters(ctx, m.Clusters(), suppressions)
	}
	return e.runOne(ctx, m, suppressions)
}

func (e *Engine) runOne(ctx context.Context, m *mesh.Mesh, suppressions []Suppression) (*Outcome, error) {
	out := &Outcome{}
	for _, s := range suppressions {
		out.Suppressions = append(out.Suppressions, SuppressionUse{Suppression: s, Expired: s.expired(m.Captured)})
	}
	out.Rules.Total = len(e.rules)
	var hits []*hit
	found := newClaimed()
	for _, r := range e.inOrder() {
		ev := r.judge(ctx, m, found)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		hits = append(hits, ev.hits...)
		for _, h := range ev.hits {
			found.add(h)
		}
		if len(ev.young) > 0 {
			out.TooYoung = append(out.TooYoung, result.TooYoung{ID: r.ID, Title: r.Title, Subjects: ev.young})
		}
		switch {
		case len(ev.gaps) > 0:
			out.Undecided = append(out.Undecided, result.Undecided{ID: r.ID, Title: r.Title, Reasons: reasons(ev.gaps)})
			out.Rules.Undecided++
		case ev.applicable == 0:
			out.Rules.NotApplicable++
		default:
			out.Rules.Decided++
			out.Decided = append(out.Decided, r.ID)
		}
	}
	if len(m.Peers) > 0 {
		for _, h := range hits {
			h.subject.Cluster = cmp.Or(h.subject.Cluster, m.Cluster)
		}
	}
	past, present := partition(hits, func(h *hit) bool { return h.timing.State == mesh.Over })
	explain(present)
	shown, taken := suppress(present, out.Suppressions)
	out.Findings, out.Past = roll(shown, m), roll(past, m)
	for i := range out.Suppressions {
		s := &out.Suppressions[i].Suppression
		for _, f := range roll(taken[s], m) {
			f.SuppressedBy, f.SuppressedFor = result.Suppressor(s.ID), s.Reason
			out.Suppressed = append(out.Suppressed, f)
		}
	}
	out.InFlight = m.Changes()
	return out, nil
}

// inOrder has the rules for what no other has claimed after those that may claim it.
func (e *Engine) inOrder() []*rule {
	last, first := partition(e.rules, func(r *rule) bool { return r.Unclaimed })
	return append(first, last...)
}

// partition parts a list by what is true of its elements.
func partition[T any](list []T, is func(T) bool) (yes, no []T) {
	for _, v := range list {
		if is(v) {
			yes = append(yes, v)
		} else {
			no = append(no, v)
		}
	}
	return yes, no
}

func (r *rule) judge(ctx context.Context, m *mesh.Mesh, found *claimed) *evaluation {
	ctx, cancel := context.WithTimeoutCause(ctx, ruleTime, errRuleTime)
	defer cancel()
	ev := r.evaluate(ctx, m)
	if r.Unclaimed {
		ev.claimed = found
	}
	ev.all(m)
	return ev
}

func (r *rule) evaluate(ctx context.Context, m *mesh.Mesh) *evaluation {
	ev := &evaluation{rule: r, mesh: m, steps: steps{ctx: ctx}, told: map[toldOf]*telling{}, machine: vm.VM{MemoryBudget: memoryBudget}}
	ev.env = map[string]any{wholeMesh: m, "age": m.Age, stepName: ev.steps.step}
	return ev
}

// evaluation is one rule under way.
type evaluation struct {
	rule       *rule
	mesh       *mesh.Mesh
	env        map[string]any
	steps      steps
	machine    vm.VM
	applicable int
	hits       []*hit
	told       map[toldOf]*telling // the first of each
	gaps       []mesh.Gap
	young      []mesh.Subject
	claimed    *claimed // by other rules, of a rule for what none has claimed
}

func (ev *evaluation) all(m *mesh.Mesh) {
	items := ev.rule.over.items(m)
	scoped, whole := ev.needs(items, m)
	if !whole {
		return
	}
	for _, item := range items {
		if ev.steps.ctx.Err() != nil {
			ev.gaps = append(ev.gaps, mesh.Gap{Subject: "the rule", Reason: context.Cause(ev.steps.ctx).Error()})
			return
		}
		if err := ev.item(item, scoped); err != nil {
			ev.fault(item, err)
		}
	}
}

// needs looks for gaps in what the rule needs of the mesh as a whole, and
// gives the inputs that each item answers for itself. Where a strict need has
// a gap the whole is not there, and nothing may be judged.
func (ev *evaluation) needs(items []mesh.Item, m *mesh.Mesh) (scoped []string, whole bool) {
	whole = true
	for _, n := range ev.rule.required() {
		unscoped := func(it mesh.Item) bool { _, own := it.Gap(n.Name); return !own }
		if !n.Strict && len(items) > 0 && !slices.ContainsFunc(items, unscoped) {
			scoped = append(scoped, n.Name)
			continue
		}
		gaps := m.Gaps(n.Name)
		ev.gaps = append(ev.gaps, gaps...)
		if n.Strict && len(gaps) > 0 {
			whole = false
		}
	}
	return scoped, whole
}

// item judges one item. An error is one of an expression, at run time.
func (ev *evaluation) item(item mesh.Item, scoped []string) error {
	r := ev.rule
	ev.env[r.over.item] = item
	if r.gapsFirst && ev.gap(item, scoped) {
		return nil
	}
	if r.where != nil {
		about, err := ev.truth(r.where)
		if err != nil || !about {
			return err
		}
	}
	ev.applicable++
	if !r.gapsFirst && ev.gap(item, scoped) || ev.tooYoung(item) || ev.claimed.has(item) {
		return nil
	}
	if err := ev.lets(); err != nil {
		return err
	}
	found, err := ev.truth(r.when)
	if err != nil || !found {
		return err
	}
	if ruled, ok := ev.weigh(item); ok {
		ev.hit(item, ruled)
	}
	return nil
}

// lets gives the rule's named values for the item at hand.
func (ev *evaluation) lets() error {
	for i, p := range ev.rule.let {
		v, err := ev.eval(p)
		if err != nil {
			return err
		}
		ev.env[ev.rule.Rule.Let[i].Name] = v
	}
	return nil
}

// gap notes what is missing of the item's own inputs.
func (ev *evaluation) gap(item mesh.Item, scoped []string) bool {
	missing := false
	for _, input := range scoped {
		if gap, _ := item.Gap(input); gap != nil {
			ev.gaps = append(ev.gaps, *gap)
			missing = true
		}
	}
	return missing
}

func (ev *evaluation) eval(p *program) (any, error) {
	v, err := ev.machine.Run(p.code, ev.env)
	if err != nil {
		return nil, Locate(p.source, err)
	}
	return v, nil
}

func (ev *evaluation) truth(p *program) (bool, error) {
	v, err := ev.eval(p)
	if err != nil {
		return false, err
	}
	is, ok := v.(bool)
	if !ok {
		return false, problemAt(p.source, 1, 0, fmt.Sprintf("want true or false, got %T", v))
	}
	return is, nil
}

// fault makes an expression that fails on an item a reason to be undecided, and not a pass.
func (ev *evaluation) fault(item mesh.Item, err error) {
	ev.gaps = append(ev.gaps, mesh.Gap{Subject: item.Subject().String(), Reason: "the rule failed on it at " + err.Error()})
}

// hit makes a hit of each of the item's subjects. What can't be said of it is
// left open, and makes the rule undecided beside the hit.
func (ev *evaluation) hit(item mesh.Item, ruled ruling) {
	r := ev.rule
	h := hit{rule: r, ruling: ruled, matter: &matter{of: ev.mesh, item: item, subjects: ev.subjects(item)}}
	if r.group != nil {
		h.group = text(ev.try(item, r.group))
	}
	h.told = ev.tell(item, &h)
	named := make([]mesh.Subject, len(h.matter.subjects))
	for i, s := range h.matter.subjects {
		named[i] = s.Subject()
	}
	for i, change := range ev.mesh.InFlight(item, named) {
		if change != nil {
			if !slices.Contains(change.Rules, r.ID) {
				change.Rules = append(change.Rules, r.ID)
			}
			continue
		}
		one := h
		one.at, one.subject = i, named[i]
		ev.hits = append(ev.hits, &one)
	}
}

// maxRenderedItems bounds the items whose texts a rule renders, far above the
// most that anybody reads: of the others the finding has the subjects.
const maxRenderedItems = 10_000

// tell says what was found. Past the bound, it is what was said first of the
// same group, without evidence.
func (ev *evaluation) tell(item mesh.Item, h *hit) *telling {
	k := toldOf{h.group, h.cause, h.timing.State == mesh.Over}
	first := ev.told[k]
	if first != nil && len(ev.hits) > maxRenderedItems {
		return first
	}
	told := ev.texts(item, h.cause)
	if first == nil {
		ev.told[k] = told.texts()
	}
	told.evidence, h.matter.shown = ev.evidence(item)
	return told
}

// try evaluates what a hit can do without.
func (ev *evaluation) try(item mesh.Item, p *program) any {
	v, err := ev.eval(p)
	if err != nil {
		ev.fault(item, err)
		return "?"
	}
	return v
}

func (ev *evaluation) subjects(item mesh.Item) []subjecter {
	if ev.rule.subject == nil {
		return []subjecter{item}
	}
	about, err := each[subjecter](ev.try(item, ev.rule.subject))
	if err != nil {
		ev.fault(item, problemAt(ev.rule.subject.source, 1, 0, err.Error()))
	}
	if len(about) == 0 {
		return []subjecter{item}
	}
	return about
}

// evidence is the places that the rule names, else the item's own, and the things that they belong to.
func (ev *evaluation) evidence(item mesh.Item) (places []mesh.Evidence, shown []evidencer) {
	for _, p := range ev.rule.evidence {
		things, err := each[evidencer](ev.try(item, p))
		if err != nil {
			ev.fault(item, problemAt(p.source, 1, 0, err.Error()))
		}
		for _, thing := range things {
			shown = append(shown, thing)
			if len(places) < evidenceOfHit {
				places = append(places, thing.Evidence()...)
			}
		}
	}
	if len(places) == 0 {
		places = item.Evidence()
	}
	return places, shown
}

// evidencer is anything that knows where it stands in the bundle.
type evidencer interface{ Evidence() []mesh.Evidence }

func (ev *evaluation) render(item mesh.Item, t template) string {
	var b strings.Builder
	for _, p := range t {
		if p.program == nil {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(text(ev.try(item, p.program)))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// reasons says each gap once, with how many share it.
func reasons(gaps []mesh.Gap) []string {
	const shown = 3
	var order []string
	by := map[string][]string{}
	known := map[mesh.Gap]bool{}
	for _, g := range gaps {
		if known[g] {
			continue
		}
		known[g] = true
		if by[g.Reason] == nil {
			order = append(order, g.Reason)
		}
		by[g.Reason] = append(by[g.Reason], g.Subject)
	}
	out := make([]string, 0, len(order))
	for _, reason := range order {
		who := by[reason]
		slices.Sort(who)
		list := strings.Join(who[:min(shown, len(who))], ", ")
		if len(who) > shown {
			list += fmt.Sprintf(" and %d more", len(who)-shown)
		}
		out = append(out, list+": "+reason)
	}
	return out
}
