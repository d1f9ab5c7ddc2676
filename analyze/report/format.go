// Package report renders the result of an analysis in each of its formats.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/zbundle/zbundle/analyze/result"
)

// Format is one form that a result can be printed in.
type Format struct {
	Name  string // as -o names it
	Usage string // in a few words
	Write func(w io.Writer, r *result.Result, opts Options) error
}

// Formats are all of them, the default first.
func Formats() []Format {
	return []Format{
		{"text", "for a person", Text},
		{"json", "for a program, as docs/result.md describes it", JSON},
	}
}

// Names of the formats, as a help text lists them.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// FormatNamed finds a format. The error names those that there are.
func FormatNamed(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("%q must be one of %s", name, strings.Join(Names(), ", "))
}
