package report

import (
	"encoding/json"
	"io"

	"github.com/zbundle/zbundle/analyze/result"
)

// JSON writes the result as one object.
func JSON(w io.Writer, r *result.Result, _ Options) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
