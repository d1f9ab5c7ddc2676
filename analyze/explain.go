package analyze

import (
	"cmp"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// hit is one subject that a rule found something about, before hits are
// rolled up into findings.
type hit struct {
	rule     *rule
	item     mesh.Item
	group    string
	subject  mesh.Subject
	refs     map[string]bool // keys of the things that it is about
	evidence []mesh.Evidence
	message  string
	cause    string
	impact   string
	remedy   string
	// root is the hit that all of this comes from; nil where it is one itself.
	root *hit
}

// explain finds for each symptom the root of its causes. A cause is a hit of
// a rule that explains the symptom's, where either is about the subject of the
// other; where causes have causes, the last counts.
func explain(hits []*hit) {
	worst := slices.Clone(hits)
	slices.SortStableFunc(worst, func(a, b *hit) int {
		return cmp.Or(compareRules(a.rule.Rule, b.rule.Rule), compareSubjects(a.subject, b.subject))
	})
	x := explainer{known: map[string][]*rule{}, found: map[*rule]*found{}, state: map[*hit]state{}}
	for _, h := range worst {
		f := x.found[h.rule]
		if f == nil {
			f = &found{named: map[string][]*hit{}, touched: map[string][]*hit{}}
			x.found[h.rule] = f
		}
		f.named[h.subject.Key()] = append(f.named[h.subject.Key()], h)
		for key := range h.refs {
			f.touched[key] = append(f.touched[key], h)
		}
	}
	// From the least: where rules explain each other in a circle, the worst of them becomes the root.
	for _, h := range slices.Backward(worst) {
		x.rootOf(h)
	}
}

type state int

const (
	unseen state = iota
	underWay
	settled
)

type explainer struct {
	known map[string][]*rule // rules with hits that explain a rule, by its id
	found map[*rule]*found
	state map[*hit]state
}

// found are a rule's hits by the keys of their subjects, and of all that they are about.
type found struct{ named, touched map[string][]*hit }

// rootOf settles a hit's root: itself where nothing explains it; nil while it
// is being settled, which only a circle can ask.
func (x *explainer) rootOf(h *hit) *hit {
	switch {
	case x.state[h] == underWay:
		return nil
	case x.state[h] == settled && h.root != nil:
		return h.root
	case x.state[h] == settled:
		return h
	}
	x.state[h] = underWay
	for _, cause := range x.causes(h) {
		if root := x.rootOf(cause); root != nil && root != h {
			h.root = root
			break
		}
	}
	x.state[h] = settled
	if h.root != nil {
		return h.root
	}
	return h
}

// causes of a hit, the worst first.
func (x *explainer) causes(symptom *hit) []*hit {
	var out []*hit
	for _, r := range x.explaining(symptom.rule.ID) {
		if r == symptom.rule {
			continue
		}
		of := slices.DeleteFunc(slices.Clone(x.found[r].touched[symptom.subject.Key()]), func(h *hit) bool { return !covers(symptom.subject, h.refs) })
		for key := range symptom.refs {
			for _, h := range x.found[r].named[key] {
				if covers(h.subject, symptom.refs) {
					of = append(of, h)
				}
			}
		}
		slices.SortFunc(of, func(a, b *hit) int {
			return cmp.Or(compareSubjects(a.subject, b.subject), cmp.Compare(a.message, b.message))
		})
		out = append(out, of...)
	}
	return out
}

// covers tells whether a subject is of the refs: an identity's fault on one
// node says nothing of the identity on another.
func covers(s mesh.Subject, refs map[string]bool) bool {
	return s.Kind != "identity" || s.Node == "" || refs[mesh.Subject{Kind: "node", Name: s.Node}.Key()]
}

func (x *explainer) explaining(id string) []*rule {
	if list, ok := x.known[id]; ok {
		return list
	}
	var list []*rule
	for r := range x.found {
		if slices.ContainsFunc(r.Explains, func(pattern string) bool { return rules.Matches(pattern, id) }) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *rule) int { return compareRules(a.Rule, b.Rule) })
	x.known[id] = list
	return list
}
