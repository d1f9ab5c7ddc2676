package ruletest

import (
	"slices"
	"strings"

	"github.com/zbundle/zbundle/rules"
)

// Lint looks for tests that could not run: on worlds and files that do not
// exist, with changes that say nothing to change, or alterations that fit no types.
func Lint(set []*rules.Rule) []rules.Problem {
	out := lintAlterations(set)
	for _, r := range set {
		for _, t := range r.Tests {
			problem := func(text string) {
				out = append(out, rules.Problem{File: r.File, Line: t.Line, Column: 1, Text: t.Name + ": " + text})
			}
			w, err := open(t.World)
			if err != nil {
				problem(err.Error())
				continue
			}
			if slices.Contains(t.Expect, "undecided") {
				problem("expect is undecided, or a list of subjects")
			}
			for _, s := range t.Expect {
				if !strings.Contains(s, " ") {
					problem("a subject has the form kind namespace/name, and \"" + s + "\" has not")
				}
			}
			for _, c := range t.Change {
				if err := w.change(c); err != nil {
					problem(err.Error())
				}
			}
		}
	}
	return out
}
