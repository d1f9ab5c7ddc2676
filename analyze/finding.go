package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// evidenceOfHit bounds the places of one hit.
const evidenceOfHit = 10

// roll makes findings of hits: one for each rule, group and root cause.
func roll(hits []*hit, m *mesh.Mesh) []*result.Finding {
	type key struct {
		rule  *rule
		group string
		under *result.Finding
		cause int
		but   string
		over  bool
	}
	byKey := map[key][]*hit{}
	findings := map[key]*result.Finding{}
	of := map[*hit]*result.Finding{}
	collect := func(h *hit, under *result.Finding) {
		k := key{h.rule, h.group, under, h.cause, h.but, h.timing.State == mesh.Over}
		if findings[k] == nil {
			findings[k] = &result.Finding{}
		}
		byKey[k] = append(byKey[k], h)
		of[h] = findings[k]
	}
	for _, h := range hits {
		if h.root == nil {
			collect(h, nil)
		}
	}
	for _, h := range hits {
		if h.root != nil {
			collect(h, of[h.root])
		}
	}
	owners, near := ownersOf(m), newChangesNear(m)
	began := map[*result.Finding]time.Time{} // what shows of a cause is what its symptoms show
	var top []*result.Finding
	for k, f := range findings {
		fill(f, k.rule, k.group, byKey[k], owners)
		first := setTime(f, byKey[k])
		began[f] = earlier(began[f], first)
		if k.under != nil {
			began[k.under] = earlier(began[k.under], first)
		}
	}
	for k, f := range findings {
		f.First = rfc3339(began[f])
		f.Changes = near.of(byKey[k], began[f])
		if k.under == nil {
			top = append(top, f)
		} else {
			k.under.Explains = append(k.under.Explains, f)
		}
	}
	rank(top)
	for _, f := range top {
		rank(f.Explains)
	}
	return top
}

// earlier is the first of two times, of which either may not be known.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// fill takes over what the hits say: the text of the first, the subjects of all.
func fill(f *result.Finding, r *rule, group string, hits []*hit, owners map[string]string) {
	slices.SortStableFunc(hits, func(a, b *hit) int { return compareSubjects(a.subject, b.subject) })
	first := hits[0]
	f.Since = since(hits)
	f.OtherCauses, f.But = nonNil(first.told.others), first.but
	f.ID, f.Severity, f.Confidence, f.Category, f.Title, f.Docs = r.ID, result.Severity(worst(hits)), r.Confidence, r.Category, r.Title, nonNil(r.Docs)
	f.Message, f.Cause, f.Impact, f.Remedy = first.told.message, first.told.cause, first.told.impact, first.told.remedy
	f.Evidence = []result.Evidence{}
	if f.Explains == nil {
		f.Explains = []*result.Finding{}
	}
	for _, h := range hits {
		if n := len(f.Subjects); n == 0 || f.Subjects[n-1] != h.subject {
			f.Subjects = append(f.Subjects, h.subject)
		}
	}
	told := map[result.Evidence]bool{}
	for _, h := range hits {
		for _, e := range h.told.evidence {
			if !told[e] {
				told[e] = true
				f.Evidence = append(f.Evidence, e)
			}
		}
	}
	f.Fingerprint = result.Fingerprint(r.ID, group, f.Subjects, owners)
}

// worst is the severity of the worst of the hits: of those that nobody can tell of, one that goes on decides.
func worst(hits []*hit) rules.Severity {
	all := rules.Severities()
	at := len(all) - 1
	for _, h := range hits {
		at = min(at, slices.Index(all, h.severity))
	}
	return all[at]
}

// setTime says when it was last seen over all hits, how often, each item once, and whether it goes on in any. It gives the first time.
func setTime(f *result.Finding, hits []*hit) (first time.Time) {
	var last time.Time
	f.State = hits[0].timing.State
	counted := map[mesh.Item]bool{}
	for _, h := range hits {
		t := h.timing
		if t.State == mesh.Ongoing {
			f.State = mesh.Ongoing
		}
		if counted[h.matter.item] {
			continue
		}
		counted[h.matter.item] = true
		f.Count += t.Count
		first = earlier(first, t.First)
		if t.Last.After(last) {
			last = t.Last
		}
	}
	f.Last = rfc3339(last)
	return first
}

// rfc3339 is a time as JSON has it, "" for none.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// showOrigins makes the evidence name the files that the user gave.
func showOrigins(f *result.Finding, s *load.Summary) {
	for i := range f.Evidence {
		f.Evidence[i].File = s.Origin(f.Evidence[i].File)
	}
	for _, e := range f.Explains {
		showOrigins(e, s)
	}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func compareSubjects(a, b mesh.Subject) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Node, b.Node))
}

// ownersOf names for each pod what outlives it: its controller, and of a
// DaemonSet's pod its node. Pods without a controller keep their names.
func ownersOf(m *mesh.Mesh) map[string]string {
	owners := make(map[string]string, len(m.Pods))
	for _, p := range m.Pods {
		name := p.Name
		switch p.OwnerKind {
		case "":
		case "ReplicaSet":
			name = "ReplicaSet/" + result.WithoutHash(p.OwnerName)
		case "DaemonSet":
			name = "DaemonSet/" + p.OwnerName + "/" + p.NodeName
		case "StatefulSet":
			name = p.Name // its names are stable
		default:
			name = p.OwnerKind + "/" + p.OwnerName
		}
		owners[p.Subject().Key()] = name
	}
	return owners
}

// rank puts the worst first, and of equals the cause before its effects.
func rank(fs []*result.Finding) {
	severities, categories := rules.Severities(), rules.Categories()
	slices.SortFunc(fs, func(a, b *result.Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities, rules.Severity(a.Severity)), slices.Index(severities, rules.Severity(b.Severity))),
			cmp.Compare(slices.Index(categories, a.Category), slices.Index(categories, b.Category)),
			cmp.Compare(len(b.Subjects), len(a.Subjects)),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Fingerprint, b.Fingerprint),
		)
	})
}

// compareRules orders rules as rank orders their findings.
func compareRules(a, b *rules.Rule) int {
	severities, categories := rules.Severities(), rules.Categories()
	return cmp.Or(
		cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
		cmp.Compare(slices.Index(categories, a.Category), slices.Index(categories, b.Category)),
		cmp.Compare(a.ID, b.ID),
	)
}
