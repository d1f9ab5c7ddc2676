package analyze

import (
	"cmp"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// hit is one subject that a rule found something about, before hits are
// rolled up into findings.
type hit struct {
	rule *rule
	ruling
	matter  *matter
	at      int // of the matter's subjects
	group   string
	subject mesh.Subject
	told    *telling
	// root is the hit that all of this comes from; nil where it is one itself.
	root  *hit
	state state
}

// matter is what the hits on one item are about.
type matter struct {
	of       *mesh.Mesh
	item     mesh.Item
	subjects []subjecter
	// shared are the mesh's and the item's refs without those that belong to its subjects, so
	// that each of these can have a cause of its own; nil until they are asked for.
	shared []string
	shown  []evidencer // what its evidence belongs to
}

// telling is what a rule says of an item that it found.
type telling struct {
	evidence                       []mesh.Evidence
	message, cause, impact, remedy string
	others                         []result.OtherCause
}

// texts is what is said without the places where it stands.
func (t telling) texts() *telling {
	t.evidence = nil
	return &t
}

// toldOf tells apart what a rule says of its items.
type toldOf struct {
	group string
	cause int
	over  bool
}

// refs are the keys of the things that the hit is about, sorted.
func (h *hit) refs() []string {
	m := h.matter
	if m.shared == nil {
		owned := map[string]bool{}
		for _, s := range m.subjects {
			for _, key := range subjectRefs(s) {
				owned[key] = true
			}
		}
		m.shared = slices.DeleteFunc(append(m.of.Refs(), m.item.Refs()...), func(key string) bool { return owned[key] })
	}
	refs := append(subjectRefs(m.subjects[h.at]), m.shared...)
	slices.Sort(refs)
	return slices.Compact(refs)
}

func subjectRefs(s subjecter) []string {
	keys := []string{s.Subject().Key()}
	if item, ok := s.(mesh.Item); ok {
		keys = append(keys, item.Refs()...)
	}
	return keys
}

// explain finds for each symptom the root of its causes. A cause is a hit of
// a rule that explains the symptom's, where either is about the subject of the
// other, as all are about the mesh; where causes have causes, the last counts.
func explain(hits []*hit) {
	worst := slices.Clone(hits)
	slices.SortStableFunc(worst, func(a, b *hit) int {
		return cmp.Or(compareRules(a.rule.Rule, b.rule.Rule), compareSubjects(a.subject, b.subject))
	})
	x := explainer{known: map[string][]*rule{}, found: map[*rule]*found{}}
	for _, h := range worst {
		if x.found[h.rule] == nil {
			x.found[h.rule] = &found{named: map[string][]*hit{}, touched: map[string][]*hit{}}
		}
	}
	x.index(worst)
	// From the least: where rules explain each other in a circle, the worst of them becomes the root.
	for _, h := range slices.Backward(worst) {
		x.rootOf(h)
	}
}

// index finds the hits of rules that explain others by their keys, as far as
// there is a symptom to look for them.
func (x *explainer) index(hits []*hit) {
	causes, symptoms := map[*rule]bool{}, map[string]bool{}
	for _, h := range hits {
		if of := x.explaining(h.rule); len(of) > 0 {
			symptoms[h.subject.Key()] = true
			for _, r := range of {
				causes[r] = true
			}
		}
	}
	for _, h := range hits {
		if !causes[h.rule] {
			continue
		}
		f, key := x.found[h.rule], h.subject.Key()
		f.named[key] = append(f.named[key], h)
		for _, key := range h.refs() {
			if symptoms[key] {
				f.touched[key] = append(f.touched[key], h)
			}
		}
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
}

// found are a rule's hits by the keys of their subjects, and of all that they are about.
type found struct{ named, touched map[string][]*hit }

// rootOf settles a hit's root: itself where nothing explains it; nil while it
// is being settled, which only a circle can ask.
func (x *explainer) rootOf(h *hit) *hit {
	switch {
	case h.state == underWay:
		return nil
	case h.state == settled && h.root != nil:
		return h.root
	case h.state == settled:
		return h
	}
	h.state = underWay
	for _, cause := range x.causes(h) {
		if root := x.rootOf(cause); root != nil && root != h {
			h.root = root
			break
		}
	}
	h.state = settled
	if h.root != nil {
		return h.root
	}
	return h
}

// causes of a hit, the worst first.
func (x *explainer) causes(symptom *hit) []*hit {
	explaining := x.explaining(symptom.rule)
	if len(explaining) == 0 {
		return nil
	}
	var out []*hit
	refs := symptom.refs()
	for _, r := range explaining {
		var of []*hit
		for _, h := range x.found[r].touched[symptom.subject.Key()] {
			if covers(symptom.subject, h.refs) {
				of = append(of, h)
			}
		}
		for _, key := range refs {
			for _, h := range x.found[r].named[key] {
				if covers(h.subject, func() []string { return refs }) {
					of = append(of, h)
				}
			}
		}
		of = slices.DeleteFunc(of, func(h *hit) bool { return !x.reaches(h, symptom, explaining) })
		slices.SortFunc(of, func(a, b *hit) int {
			return cmp.Or(compareSubjects(a.subject, b.subject), cmp.Compare(a.told.message, b.told.message))
		})
		out = append(out, of...)
	}
	return out
}

// covers tells whether a subject is of the refs: an identity's fault on one
// node says nothing of the identity on another.
func covers(s mesh.Subject, refs func() []string) bool {
	if s.Kind != "identity" || s.Node == "" {
		return true
	}
	_, of := slices.BinarySearch(refs(), mesh.Subject{Kind: "node", Name: s.Node}.Key())
	return of
}

// lacking is what several ztunnels may not hold as they should.
type lacking interface{ Lacking() []*mesh.Ztunnel }

// reaches holds a cause to what it can have done: to the kinds of subject that
// its rule says it reaches, and, where it is of one ztunnel and the symptom of
// several, to those symptoms that the same causes have on all of them.
func (x *explainer) reaches(cause, symptom *hit, explaining []*rule) bool {
	if reach := cause.rule.Reach; len(reach) > 0 && !slices.Contains(reach, symptom.subject.Kind) {
		return false
	}
	thing, ok := symptom.matter.item.(lacking)
	if !ok {
		return true
	}
	var keys []string
	for _, z := range thing.Lacking() {
		keys = append(keys, z.Subject().Key())
	}
	if !slices.Contains(keys, cause.subject.Key()) {
		return true // it is of something else, such as an istiod
	}
	return !slices.ContainsFunc(keys, func(key string) bool {
		return !slices.ContainsFunc(explaining, func(r *rule) bool { return len(x.found[r].named[key]) > 0 })
	})
}

// explaining are the other rules with hits that explain a rule.
func (x *explainer) explaining(symptom *rule) []*rule {
	if list, ok := x.known[symptom.ID]; ok {
		return list
	}
	var list []*rule
	for r := range x.found {
		if r != symptom && slices.ContainsFunc(r.Explains, func(pattern string) bool { return rules.Matches(pattern, symptom.ID) }) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *rule) int { return compareRules(a.Rule, b.Rule) })
	x.known[symptom.ID] = list
	return list
}
