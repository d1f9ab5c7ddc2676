package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/ui"
)

// planText writes every request for a person.
func planText(w io.Writer, p *collect.Plan) {
	for _, t := range p.Targets {
		fmt.Fprintf(w, "%s: %s, about %s in %s\n", t.Name, ui.Count(t.Asked, "request"), ui.Size(t.Bytes), collect.Seconds(t.Takes))
		if t.Note != "" {
			fmt.Fprintf(w, "  # %s\n", t.Note)
		}
		for _, request := range t.Requests {
			switch {
			case request.LeftOut != "":
				fmt.Fprintf(w, "  # not %s: %s\n", request.Request, request.LeftOut)
			case request.Bytes > 0:
				fmt.Fprintf(w, "  %s  # about %s\n", request.Request, ui.Size(request.Bytes))
			default:
				fmt.Fprintf(w, "  %s\n", request.Request)
			}
		}
	}
	for _, line := range p.Lines() {
		fmt.Fprintln(w, line)
	}
}

// summaryText writes the summary for a person.
func summaryText(w io.Writer, s *collect.Summary) {
	fmt.Fprintf(w, "%s: %s in %s\n", s.File, ui.Size(s.Bytes), s.Took.Round(100*time.Millisecond))
	var found []string
	for _, kind := range []string{layout.Istiod, layout.Ztunnel, layout.CNI, layout.Waypoint, layout.Gateway} {
		found = append(found, fmt.Sprintf("%s %d", kind, s.Found[kind]))
	}
	fmt.Fprintf(w, "found:   %s\n", strings.Join(found, ", "))
	fmt.Fprintf(w, "taken:   %d answers\n", s.Taken)
	fmt.Fprintf(w, "cost:    %s to the API server, %s through it\n", ui.Count(int(s.Cost.Requests), "request"), ui.Size(s.Cost.Bytes))
	if len(s.Gaps) == 0 && s.Complete {
		fmt.Fprintln(w, "missing: nothing")
	} else {
		fmt.Fprintf(w, "missing: %s\n", cmp.Or(s.Incomplete, "nothing"))
	}
	for _, g := range s.Gaps {
		fmt.Fprintf(w, "  %-10s %s of %s\n             %s\n", g.Status, g.Task, few(g.Targets), g.Reason)
	}
	for _, a := range s.Advice {
		fmt.Fprintln(w, a)
	}
	if s.Names != "" {
		fmt.Fprintf(w, "names:   %s (keep it: zbundle reveal puts the names back into a report)\n", s.Names)
	}
	fmt.Fprintf(w, "next:    zbundle analyze %s\n", s.File)
}

func few(names []string) string {
	const shown = 3
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
