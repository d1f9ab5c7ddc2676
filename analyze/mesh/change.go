package mesh

import (
	"cmp"
	"slices"
	"strings"
)

// Change is a thing that changed while the collection ran, by two looks at the
// same plane. What other planes say of it may be of before or of after: no
// difference between them is a fault.
type Change struct {
	Subject Subject `json:"subject"`
	// What happened: "came", "went", or "changed: <fields>"; and who says so.
	What string `json:"what"`
	// Rules are the ids of those that it would have been a finding of.
	Rules    []string   `json:"rules"`
	Evidence []Evidence `json:"evidence"`
}

// Look is what one istiod said at the second look; nil sets were not read.
type Look struct {
	Workloads *WorkloadSet
	Services  *ServiceSet
	Policies  *PolicySet
	// Acked are the nonces that proxies had acknowledged, by "<proxy> <type>",
	// and Proxies the ztunnels that were connected.
	Acked   map[string]string
	Proxies []string
}

// PodChange is a pod that was created or deleted between the two lists of pods.
type PodChange struct {
	Namespace, Name string
	Created         bool // else it was deleted
	Source          Evidence
}

// What happens to things.
const (
	created = "came"
	deleted = "went"
	changed = "changed"
)

// changes are they by the keys of their subjects.
type changes map[string]*Change

// note keeps the first change of a subject.
func (c changes) note(s Subject, what string, source Evidence) {
	if c[s.Key()] == nil {
		c[s.Key()] = &Change{Subject: s, What: what, Rules: []string{}, Evidence: evidence(source)}
	}
}

// inFlight is true of a workload that changed while the collection ran.
func (m *Mesh) inFlight(w *Workload) bool { return m.changes[w.Subject().Key()] != nil }

// composite is an item that is about more than its subject: what lies between
// things is in flight where one of them is.
type composite interface{ parts() []Subject }

func (f *Flow) parts() []Subject { return []Subject{f.Source.Subject(), f.Destination.Subject()} }

func (a *AddressClash) parts() []Subject {
	var out []Subject
	for _, w := range a.Workloads {
		out = append(out, w.Subject())
	}
	return out
}

func (l *LocalIdentity) parts() []Subject { return soleOf(l.Pods) }

func (c *Certificate) parts() []Subject { return soleOf(c.NeededBy) }

// soleOf is the pod that something hangs on alone.
func soleOf(pods []*Pod) []Subject {
	if len(pods) == 1 {
		return []Subject{pods[0].Subject()}
	}
	return nil
}

func (l *Log) parts() []Subject {
	if ns, name, ok := strings.Cut(l.About, "/"); ok {
		return []Subject{podSubject(ns, name, "")}
	}
	if l.AboutPod != nil {
		return []Subject{l.AboutPod.Subject()}
	}
	return nil
}

// parts of a service are its workload, where it has but one.
func (s *Service) parts() []Subject {
	if len(s.Workloads) == 1 {
		return []Subject{s.Workloads[0].Subject()}
	}
	return nil
}

// InFlight is for each subject of an item the change that explains what a rule
// finds of it; nil where nothing of it changed.
func (m *Mesh) InFlight(item Item, about []Subject) []*Change {
	var settled, whole *Change
	if x, ok := item.(*XDSStream); ok {
		settled = x.settled
	}
	if len(m.changes) > 0 {
		whole = m.wholeInFlight(item)
	}
	out := make([]*Change, len(about))
	for i, s := range about {
		out[i] = cmp.Or(settled, m.changes[s.Key()], whole)
	}
	return out
}

// wholeInFlight is the change of the item itself or of what it lies between.
func (m *Mesh) wholeInFlight(item Item) *Change {
	subjects := []Subject{item.Subject()}
	if c, ok := item.(composite); ok {
		subjects = append(subjects, c.parts()...)
	}
	for _, s := range subjects {
		if c := m.changes[s.Key()]; c != nil {
			return c
		}
	}
	return nil
}

// Changes are all that changed while the collection ran, in a fixed order.
func (m *Mesh) Changes() []*Change {
	out := make([]*Change, 0, len(m.changes))
	for _, c := range m.changes {
		out = append(out, c)
	}
	for _, x := range m.XDS {
		if x.settled != nil {
			out = append(out, x.settled)
		}
	}
	slices.SortFunc(out, func(a, b *Change) int {
		return cmp.Or(cmp.Compare(a.Subject.Key(), b.Subject.Key()), cmp.Compare(a.What, b.What))
	})
	return out
}
