package result

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

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
			By          Suppressor `json:"suppressedBy"`
		} `json:"suppressed"`
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("want what analyze -o json or --write-baseline writes: %w", err)
	}
	if known.Format != Format {
		return nil, fmt.Errorf("want format %d, have %d", Format, known.Format)
	}
	b := Baseline{}
	for _, f := range known.Findings {
		b[f.Fingerprint] = true
	}
	for _, f := range known.Suppressed {
		b[f.Fingerprint] = b[f.Fingerprint] || f.By == ByBaseline
	}
	return b, nil
}

// WriteBaseline writes the findings of a result, and those that a baseline
// suppressed in it.
func WriteBaseline(w io.Writer, r *Result) error {
	type entry struct {
		ID          string    `json:"id"`
		Fingerprint string    `json:"fingerprint"`
		Title       string    `json:"title"`
		Subjects    []Subject `json:"subjects"`
	}
	out := struct {
		Format   int     `json:"format"`
		Bundle   Bundle  `json:"bundle"`
		Findings []entry `json:"findings"`
	}{r.Format, r.Bundle, []entry{}}
	for _, f := range slices.Concat(r.Findings, r.Suppressed) {
		if f.SuppressedBy == "" || f.SuppressedBy == ByBaseline {
			out.Findings = append(out.Findings, entry{f.ID, f.Fingerprint, f.Title, f.Subjects})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
