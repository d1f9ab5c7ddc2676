package analyze

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Finding is one thing that is wrong, with everyone it is wrong for.
type Finding struct {
	ID         string         `json:"id"`
	Severity   rules.Severity `json:"severity"`
	Confidence string         `json:"confidence"`
	Category   string         `json:"category"`
	Title      string         `json:"title"`
	Cluster    string         `json:"cluster,omitempty"` // in a bundle of several
	Message    string         `json:"message"`           // of the first subject
	Cause      string         `json:"cause"`
	Impact     string         `json:"impact"`
	Remedy     string         `json:"remedy"`
	// OtherCauses are possible beside Cause, where nothing decides.
	OtherCauses []OtherCause `json:"otherCauses"`
	// But is what does not support the claim, which is a hint then.
	But string `json:"but,omitempty"`
	// State is "ongoing", "over" or "unknown"; First, Last (RFC 3339) and Count are of what
	// was logged or counted, over all subjects.
	State       mesh.State      `json:"state"`
	First       string          `json:"first,omitempty"`
	Last        string          `json:"last,omitempty"`
	Count       int             `json:"count,omitempty"`
	Docs        []string        `json:"docs"`
	Fingerprint string          `json:"fingerprint"`
	Subjects    []mesh.Subject  `json:"subjects"`
	Evidence    []mesh.Evidence `json:"evidence"`
	// Explains are the findings that this one is the cause of.
	Explains []*Finding `json:"explains"`
	// SuppressedBy is "baseline" or the suppression's id, SuppressedFor its reason; "" for what is shown.
	SuppressedBy  suppressor `json:"suppressedBy,omitempty"`
	SuppressedFor string     `json:"suppressedFor,omitempty"`
}

// evidenceOfHit bounds the places of one hit.
const evidenceOfHit = 10

// roll makes findings of hits: one for each rule, group and root cause.
func roll(hits []*hit, m *mesh.Mesh) []*Finding {
	type key struct {
		rule  *rule
		group string
		under *Finding
		cause int
		but   string
		over  bool
	}
	byKey := map[key][]*hit{}
	findings := map[key]*Finding{}
	of := map[*hit]*Finding{}
	collect := func(h *hit, under *Finding) {
		k := key{h.rule, h.group, under, h.cause, h.but, h.timing.State == mesh.Over}
		if findings[k] == nil {
			findings[k] = &Finding{}
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
	owners := ownersOf(m)
	var top []*Finding
	for k, f := range findings {
		f.fill(k.rule, k.group, byKey[k], owners)
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

// fill takes over what the hits say: the text of the first, the subjects of all.
func (f *Finding) fill(r *rule, group string, hits []*hit, owners map[string]string) {
	slices.SortStableFunc(hits, func(a, b *hit) int { return compareSubjects(a.subject, b.subject) })
	first := hits[0]
	f.time(hits)
	f.OtherCauses, f.But = nonNil(first.told.others), first.but
	f.ID, f.Severity, f.Confidence, f.Category, f.Title, f.Docs = r.ID, worst(hits), r.Confidence, r.Category, r.Title, nonNil(r.Docs)
	f.Message, f.Cause, f.Impact, f.Remedy = first.told.message, first.told.cause, first.told.impact, first.told.remedy
	f.Evidence = []mesh.Evidence{}
	if f.Explains == nil {
		f.Explains = []*Finding{}
	}
	for _, h := range hits {
		if n := len(f.Subjects); n == 0 || f.Subjects[n-1] != h.subject {
			f.Subjects = append(f.Subjects, h.subject)
		}
	}
	told := map[mesh.Evidence]bool{}
	for _, h := range hits {
		for _, e := range h.told.evidence {
			if !told[e] {
				told[e] = true
				f.Evidence = append(f.Evidence, e)
			}
		}
	}
	f.Fingerprint = fingerprint(r.ID, group, f.Subjects, owners)
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

// time says when it was seen over all hits, each item once, and whether it goes on in any.
func (f *Finding) time(hits []*hit) {
	var first, last time.Time
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
		if first.IsZero() || !t.First.IsZero() && t.First.Before(first) {
			first = t.First
		}
		if t.Last.After(last) {
			last = t.Last
		}
	}
	f.First, f.Last = rfc3339(first), rfc3339(last)
}

// rfc3339 is a time as JSON has it, "" for none.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// showOrigins makes the evidence name the files that the user gave.
func (f *Finding) showOrigins(s *load.Summary) {
	for i := range f.Evidence {
		f.Evidence[i].File = s.Origin(f.Evidence[i].File)
	}
	for _, e := range f.Explains {
		e.showOrigins(s)
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
			name = "ReplicaSet/" + replicaSetHash.ReplaceAllString(p.OwnerName, "")
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

var (
	// Kubernetes makes suffixes without vowels, so that they are no words (apimachinery pkg/util/rand).
	replicaSetHash = regexp.MustCompile(`-[bcdfghjklmnpqrstvwxz2456789]{1,10}$`)
	podSuffix      = regexp.MustCompile(`(-[bcdfghjklmnpqrstvwxz2456789]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
)

// fingerprint tells a finding from others over time: it survives renamed pods.
func fingerprint(id, group string, subjects []mesh.Subject, owners map[string]string) string {
	lines := make([]string, 0, len(subjects))
	for _, s := range subjects {
		name := s.Name
		if s.Kind == "pod" {
			owner, known := owners[s.Key()]
			if !known {
				owner = podSuffix.ReplaceAllString(name, "")
			}
			name = owner
		}
		line := s.Kind + "\t" + s.Namespace + "\t" + name
		if s.Cluster != "" {
			line += "\t" + s.Cluster
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(id + "\n" + group + "\n" + strings.Join(slices.Compact(lines), "\n")))
	return hex.EncodeToString(sum[:8])
}

// rank puts the worst first, and of equals the cause before its effects.
func rank(fs []*Finding) {
	severities, categories := rules.Severities(), rules.Categories()
	slices.SortFunc(fs, func(a, b *Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
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
