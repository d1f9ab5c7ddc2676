package analyze

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

// Suppression takes findings out of the report's way. They are counted and
// shown as suppressed, and do not raise the exit code.
type Suppression struct {
	ID      string // of a rule, or a pattern: "hbone-*"
	Subject string // pattern of "<namespace>/<name>", or of a name without namespace; "" for all
	Reason  string
	// Expires is the day from which on it suppresses nothing, "2027-01-31"; "" for never.
	Expires string

	subject *regexp.Regexp
	expires time.Time
}

// SuppressionUse is what a suppression did in one analysis.
type SuppressionUse struct {
	Suppression
	Expired  bool
	Subjects int // that it suppressed
}

// uses are the suppressions as a result tells them.
func uses(list []SuppressionUse) []result.Suppression {
	out := make([]result.Suppression, len(list))
	for i, u := range list {
		out[i] = result.Suppression{ID: u.ID, Subject: u.Subject, Reason: u.Reason, Expires: u.Expires, Expired: u.Expired, Subjects: u.Subjects}
	}
	return out
}

// ParseSuppression reads ID or ID=SUBJECT.
func ParseSuppression(text string) (Suppression, error) {
	id, subject, _ := strings.Cut(text, "=")
	s := Suppression{ID: id, Subject: subject, Reason: "asked for"}
	return s, s.compile()
}

func (s *Suppression) compile() error {
	if s.ID == "" {
		return errors.New("a suppression names a rule by its id")
	}
	if s.Subject != "" {
		pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(s.Subject))
		s.subject = regexp.MustCompile("^(?:" + pattern + ")$")
	}
	if s.Expires != "" {
		day, err := time.Parse(time.DateOnly, s.Expires)
		if err != nil {
			return fmt.Errorf("expires is a day such as 2027-01-31, not %q", s.Expires)
		}
		s.expires = day
	}
	return nil
}

func (s *Suppression) expired(at time.Time) bool { return !s.expires.IsZero() && !at.Before(s.expires) }

func (s *Suppression) matches(id string, subject mesh.Subject) bool {
	if !rules.Matches(s.ID, id) {
		return false
	}
	return s.subject == nil || s.subject.MatchString(strings.TrimPrefix(subject.Namespace+"/"+subject.Name, "/"))
}

// ReadSuppressions reads a file of suppressions: a YAML list of id, subject,
// reason and expires. The error joins one rules.Problem for each defect.
func ReadSuppressions(file string, data []byte) ([]Suppression, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	var out []Suppression
	var problems []rules.Problem
	problem := func(n *yaml.Node, format string, args ...any) {
		problems = append(problems, rules.Problem{File: file, Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)})
	}
	list := doc.Content[0]
	if list.Kind != yaml.SequenceNode {
		problem(list, "want a list of suppressions, each with id and reason")
	}
	for _, e := range list.Content {
		var s Suppression
		fields := map[string]*string{"id": &s.ID, "subject": &s.Subject, "reason": &s.Reason, "expires": &s.Expires}
		for i := 0; e.Kind == yaml.MappingNode && i+1 < len(e.Content); i += 2 {
			key, value := e.Content[i], e.Content[i+1]
			switch to := fields[key.Value]; {
			case to == nil:
				problem(key, "unknown field %q of a suppression", key.Value)
			case value.Kind != yaml.ScalarNode:
				problem(value, "want text here")
			default:
				*to = value.Value
			}
		}
		if err := s.compile(); err != nil {
			problem(e, "%v", err)
		}
		if s.Reason == "" {
			problem(e, "a suppression says its reason")
		}
		out = append(out, s)
	}
	return out, Join(problems)
}

// suppress parts hits into those that are shown and those that a suppression
// takes, each set with its own roots. Symptoms go where their cause goes.
func suppress(hits []*hit, uses []SuppressionUse) (shown []*hit, taken map[*Suppression][]*hit) {
	by := map[*hit]*SuppressionUse{}
	for _, h := range hits {
		for i := range uses {
			if u := &uses[i]; !u.Expired && u.matches(h.rule.ID, h.subject) {
				by[h] = u
				break
			}
		}
	}
	taken = map[*Suppression][]*hit{}
	for _, h := range hits {
		u := by[h]
		if u != nil {
			u.Subjects++
		}
		if h.root != nil && by[h.root] != nil {
			u = by[h.root]
		} else if u != nil {
			h.root = nil
		}
		if u == nil {
			shown = append(shown, h)
			continue
		}
		taken[&u.Suppression] = append(taken[&u.Suppression], h)
	}
	return shown, taken
}

// without moves the findings that a baseline knows to those suppressed.
func (o *Outcome) without(known result.Baseline) {
	var kept []*result.Finding
	for _, f := range o.Findings {
		if !known[f.Fingerprint] {
			kept = append(kept, f)
			continue
		}
		f.SuppressedBy, f.SuppressedFor = result.ByBaseline, "known from the baseline"
		o.Suppressed = append(o.Suppressed, f)
	}
	o.Findings = kept
}
