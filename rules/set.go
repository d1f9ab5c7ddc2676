package rules

import (
	"path"
	"slices"
)

// Check looks at rules as a set. Problems are ids that were taken before, of
// which the later rule becomes Broken; doubts are rules said to be explained
// that nothing in the set is.
func Check(set []*Rule) (problems, doubts []Problem) {
	first := make(map[string]*Rule, len(set))
	ids := make([]string, 0, len(set))
	for _, r := range set {
		if old := first[r.ID]; old != nil {
			problems = append(problems, r.Problem("id", "id %q is taken by %s:%d", r.ID, old.File, old.Line))
			r.Broken = true
			continue
		}
		if r.ID != "" {
			first[r.ID] = r
			ids = append(ids, r.ID)
		}
	}
	for _, r := range set {
		for i, pattern := range r.Explains {
			known := slices.ContainsFunc(ids, func(id string) bool { return Matches(pattern, id) })
			if !known {
				doubts = append(doubts, r.Problem(field("explains", i), "no rule has the id %q", pattern))
			}
		}
	}
	return problems, doubts
}

// Matches tells whether a rule's id is the one, or of the family ("hbone-*"), that explains names.
func Matches(pattern, id string) bool {
	ok, err := path.Match(pattern, id)
	return ok && err == nil
}
