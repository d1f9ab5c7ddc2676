package mesh

import (
	"slices"
)

// Set is what one distinct section of a plane holds, by key. Ztunnels in
// agreement share one, so that a thousand of them cost one; a ztunnel that
// differs a little has one that is stored as a delta of that view.
type Set[T any] struct {
	File  string
	Specs map[string]*T // of its own
	// View is what the set is a delta of; nil where Specs are all it holds.
	View *Set[T]
	// Without are the keys of which it does not hold the view's spec, all of its own included.
	Without map[string]bool
}

// WorkloadSet is the workloads of one distinct view, by uid.
type WorkloadSet = Set[WorkloadSpec]

// ServiceSet is the services of one distinct view, by "<namespace>/<hostname>".
type ServiceSet = Set[ServiceSpec]

// PolicySet is the policies of one distinct view, by "<namespace>/<name>".
type PolicySet = Set[PolicySpec]

// Spec is what the set holds by a key, nil where it holds nothing.
func (s *Set[T]) Spec(key string) *T {
	if spec := s.Specs[key]; spec != nil || s.View == nil || s.Without[key] {
		return spec
	}
	return s.View.Spec(key)
}

// Len counts what the set holds.
func (s *Set[T]) Len() int {
	n := len(s.Specs)
	if s.View == nil {
		return n
	}
	n += s.View.Len()
	for key := range s.Without {
		if s.View.Spec(key) != nil {
			n--
		}
	}
	return n
}

// Share takes over the specs of another set that are the same: of what two
// have in common, the place where it stands in the first is as good.
func (s *Set[T]) Share(other *Set[T], same func(a, b *T) bool) {
	for key, spec := range s.Specs {
		if theirs := other.Specs[key]; theirs != nil && same(spec, theirs) {
			s.Specs[key] = theirs
		}
	}
}

// plane is one kind of section over all ztunnels: the distinct views, and for
// each key the sets that differ from theirs. What all ztunnels of a view hold
// alike costs one look.
type plane[T any] struct {
	views     []*Set[T] // that are no deltas, in order of first appearance
	followers map[*Set[T]][]*Ztunnel
	// apart are the sets that differ from a view, by the keys in which they do.
	apart map[*Set[T]]map[string][]*Set[T]
	by    map[*Set[T]][]*Ztunnel
	order map[*Ztunnel]int
	of    func(*Ztunnel) *Set[T]
}

func planeOf[T any](zs []*Ztunnel, of func(*Ztunnel) *Set[T]) *plane[T] {
	p := &plane[T]{
		followers: map[*Set[T]][]*Ztunnel{}, apart: map[*Set[T]]map[string][]*Set[T]{},
		by: map[*Set[T]][]*Ztunnel{}, order: make(map[*Ztunnel]int, len(zs)), of: of,
	}
	for i, z := range zs {
		p.order[z] = i
		s := of(z)
		if s == nil {
			continue
		}
		view := s
		if s.View != nil {
			view = s.View
		}
		if p.apart[view] == nil {
			p.apart[view] = map[string][]*Set[T]{}
			p.views = append(p.views, view)
		}
		if p.by[s] == nil && s != view {
			for key := range s.Without {
				p.apart[view][key] = append(p.apart[view][key], s)
			}
		}
		p.by[s] = append(p.by[s], z)
		p.followers[view] = append(p.followers[view], z)
	}
	return p
}

// keys are all that any set holds.
func (p *plane[T]) keys() map[string]bool {
	keys := map[string]bool{}
	for _, view := range p.views {
		for key := range view.Specs {
			keys[key] = true
		}
		for key := range p.apart[view] {
			keys[key] = true
		}
	}
	return keys
}

// each gives all forms in which ztunnels hold a key, nil for those that lack
// it. The lists of ztunnels are shared: none may be changed.
func (p *plane[T]) each(key string, fn func(spec *T, zs []*Ztunnel)) {
	for _, view := range p.views {
		apart := p.apart[view][key]
		alike := p.followers[view]
		if len(apart) > 0 {
			var others []*Ztunnel
			for _, s := range apart {
				others = append(others, p.by[s]...)
			}
			alike = except(alike, others)
		}
		if len(alike) > 0 {
			fn(view.Specs[key], alike)
		}
		for _, s := range apart {
			fn(s.Spec(key), p.by[s])
		}
	}
}

// except is a list of ztunnels without others.
func except(zs, others []*Ztunnel) []*Ztunnel {
	out := make([]*Ztunnel, 0, max(0, len(zs)-len(others)))
	gone := make(map[*Ztunnel]bool, len(others))
	for _, z := range others {
		gone[z] = true
	}
	for _, z := range zs {
		if !gone[z] {
			out = append(out, z)
		}
	}
	return out
}

// setsOf are the sets that are deltas of a view, in the order of their ztunnels.
func (p *plane[T]) setsOf(view *Set[T]) []*Set[T] {
	var out []*Set[T]
	known := map[*Set[T]]bool{view: true}
	for _, z := range p.followers[view] {
		if s := p.of(z); !known[s] {
			known[s] = true
			out = append(out, s)
		}
	}
	return out
}

// join puts lists of ztunnels together in the order of all, sharing the first where it is the only one.
func (p *plane[T]) join(list, more []*Ztunnel) []*Ztunnel {
	if len(list) == 0 {
		return slices.Clip(more)
	}
	list = append(list, more...)
	slices.SortFunc(list, func(a, b *Ztunnel) int { return p.order[a] - p.order[b] })
	return list
}
