// Package report renders the result of an analysis: text for a person, JSON
// for a program.
package report

import (
	"encoding/json"
	"io"

	"github.com/zbundle/zbundle/analyze"
)

// JSON writes the result as one object.
func JSON(w io.Writer, r *analyze.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
