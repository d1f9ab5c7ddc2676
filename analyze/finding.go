package analyze

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Finding is one thing that is wrong, with everyone it is wrong for.
type Finding struct {
	ID          string          `json:"id"`
	Severity    rules.Severity  `json:"severity"`
	Confidence  string          `json:"confidence"`
	Category    string          `json:"category"`
	Title       string          `json:"title"`
	Message     string          `json:"message"` // of the first subject
	Cause       string          `json:"cause"`
	Impact      string          `json:"impact"`
	Remedy      string          `json:"remedy"`
	Docs        []string        `json:"docs"`
	Fingerprint string          `json:"fingerprint"`
	Subjects    []mesh.Subject  `json:"subjects"`
	Evidence    []mesh.Evidence `json:"evidence"`
	// Explains are the findings that this one is the cause of.
	Explains []*Finding `json:"explains"`

	hits []*hit
}

// hit is one item that a rule found, before hits are rolled up.
type hit struct {
	c        *compiled
	group    string
	subjects []mesh.Subject
	refs     map[string]bool
	evidence []mesh.Evidence
	message  string
	cause    string
	impact   string
	remedy   string
	// cause is the hit that explains this one.
	by *hit
}

// evidenceKept bounds the places that a finding shows in all.
const evidenceKept = 20

// roll makes findings of hits: one for each rule, group and cause.
func roll(hits []*hit) []*Finding {
	type key struct {
		id, group string
		by        *Finding
	}
	owner := map[*hit]*Finding{}
	by := map[key]*Finding{}
	var top []*Finding
	// Causes first, so that their findings are there to take symptoms under them.
	for _, symptoms := range []bool{false, true} {
		for _, h := range hits {
			if (h.by != nil) != symptoms {
				continue
			}
			k := key{h.c.rule.ID, h.group, owner[rootCause(h)]}
			f := by[k]
			if f == nil {
				f = newFinding(h)
				by[k] = f
				if k.by == nil {
					top = append(top, f)
				} else {
					k.by.Explains = append(k.by.Explains, f)
				}
			}
			f.add(h)
			owner[h] = f
		}
	}
	for _, f := range by {
		f.finish()
	}
	rank(top)
	for _, f := range top {
		rank(f.Explains)
	}
	return top
}

func rootCause(h *hit) *hit {
	if h.by == nil {
		return nil
	}
	for h.by != nil {
		h = h.by
	}
	return h
}

func newFinding(h *hit) *Finding {
	r := h.c.rule
	return &Finding{
		ID: r.ID, Severity: r.Severity, Confidence: r.Confidence, Category: r.Category, Title: r.Title, Docs: nonNil(r.Docs),
		Message: h.message, Cause: h.cause, Impact: h.impact, Remedy: h.remedy, Explains: []*Finding{}, Subjects: []mesh.Subject{}, Evidence: []mesh.Evidence{},
	}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (f *Finding) add(h *hit) {
	f.hits = append(f.hits, h)
	f.Subjects = append(f.Subjects, h.subjects...)
	for _, e := range h.evidence {
		if len(f.Evidence) < evidenceKept && !slices.Contains(f.Evidence, e) {
			f.Evidence = append(f.Evidence, e)
		}
	}
}

func (f *Finding) finish() {
	slices.SortFunc(f.Subjects, compareSubjects)
	f.Subjects = slices.Compact(f.Subjects)
	f.Fingerprint = fingerprint(f)
	f.hits = nil
}

func compareSubjects(a, b mesh.Subject) int {
	if c := strings.Compare(a.Key(), b.Key()); c != 0 {
		return c
	}
	return strings.Compare(a.Node, b.Node)
}

// generated are the suffixes that Kubernetes gives to pods of a ReplicaSet,
// DaemonSet or Job (apimachinery pkg/util/rand: no vowels, so no words).
var generated = regexp.MustCompile(`(-[0-9a-f]{7,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$`)

// fingerprint tells a finding from others over time: it survives renamed pods.
func fingerprint(f *Finding) string {
	var owners []string
	for _, s := range f.Subjects {
		name := s.Name
		if s.Kind == "pod" {
			name = generated.ReplaceAllString(name, "")
		}
		owners = append(owners, s.Kind+"/"+s.Namespace+"/"+name)
	}
	slices.Sort(owners)
	sum := sha256.Sum256([]byte(f.ID + "\n" + strings.Join(slices.Compact(owners), "\n")))
	return hex.EncodeToString(sum[:8])
}

// rank puts the worst first, and of equals the cause before its effects.
func rank(fs []*Finding) {
	severities, categories := rules.Severities(), rules.Categories()
	slices.SortStableFunc(fs, func(a, b *Finding) int {
		for _, c := range []int{
			slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity),
			slices.Index(categories, a.Category) - slices.Index(categories, b.Category),
			len(b.Subjects) - len(a.Subjects),
		} {
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.ID, b.ID)
	})
}
