package analyze

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// Suppression takes findings out of the report's way. They are counted and
// shown as suppressed, and do not raise the exit code.
type Suppression struct {
	ID      string `json:"id"`      // of a rule, or a pattern: "hbone-*"
	Subject string `json:"subject"` // pattern of "<namespace>/<name>", or of a name without namespace; "" for all
	Reason  string `json:"reason"`
	// Expires is the day from which on it suppresses nothing, "2027-01-31"; "" for never.
	Expires string `json:"expires"`

	subject *regexp.Regexp
	expires time.Time
}

// SuppressionUse is what a suppression did in one analysis.
type SuppressionUse struct {
	Suppression
	Expired  bool `json:"expired"`
	Subjects int  `json:"subjects"` // that it suppressed
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

// Baseline holds the fingerprints of findings that are known already.
type Baseline map[string]bool

// ReadBaseline reads a result as JSON, or a file that WriteBaseline wrote.
func ReadBaseline(data []byte) (Baseline, error) {
	var known struct {
		Format   int `json:"format"`
		Findings []struct {
			Fingerprint string `json:"fingerprint"`
		} `json:"findings"`
		Suppressed []struct {
			Fingerprint string     `json:"fingerprint"`
			By          suppressor `json:"suppressedBy"`
		} `json:"suppressed"`
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("want what analyze -o json or --write-baseline writes: %w", err)
	}
	if known.Format != ResultFormat {
		return nil, fmt.Errorf("want format %d, have %d", ResultFormat, known.Format)
	}
	b := Baseline{}
	for _, f := range known.Findings {
		b[f.Fingerprint] = true
	}
	for _, f := range known.Suppressed {
		b[f.Fingerprint] = b[f.Fingerprint] || f.By == byBaseline
	}
	return b, nil
}

// WriteBaseline writes the findings of a result, and those that a baseline
// suppressed in it.
func WriteBaseline(w io.Writer, r *Result) error {
	type entry struct {
		ID          string         `json:"id"`
		Fingerprint string         `json:"fingerprint"`
		Title       string         `json:"title"`
		Subjects    []mesh.Subject `json:"subjects"`
	}
	out := struct {
		Format   int     `json:"format"`
		Bundle   Bundle  `json:"bundle"`
		Findings []entry `json:"findings"`
	}{r.Format, r.Bundle, []entry{}}
	for _, f := range slices.Concat(r.Findings, r.Suppressed) {
		if f.SuppressedBy == "" || f.SuppressedBy == byBaseline {
			out.Findings = append(out.Findings, entry{f.ID, f.Fingerprint, f.Title, f.Subjects})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// suppressor says what suppressed a finding: "baseline", or a suppression by its id.
type suppressor string

const byBaseline suppressor = "baseline"

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
func (o *Outcome) without(known Baseline) {
	var kept []*Finding
	for _, f := range o.Findings {
		if !known[f.Fingerprint] {
			kept = append(kept, f)
			continue
		}
		f.SuppressedBy, f.SuppressedFor = byBaseline, "known from the baseline"
		o.Suppressed = append(o.Suppressed, f)
	}
	o.Findings = kept
}
