package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/analyze/ruletest"
	"github.com/zbundle/zbundle/internal/sim"
)

var (
	accuracy = flag.Bool("accuracy", false, "measure everything, and write docs/accuracy.md (make accuracy)")
	part     = flag.String("part", "", "measure only this part of -accuracy anew: healthy (with traps and headroom), faults, pairs or causes (pairs of which the one explains the other)")
	matching = flag.String("matching", "", "try only the faults, and the pairs \"A and B\", of -accuracy whose name this expression matches, and leave docs/accuracy.md alone")
	largest  = flag.Int("largest", 1000, "nodes of the largest healthy mesh of -accuracy")
)

const accuracyPage = "../../docs/accuracy.md"

// TestAccuracy measures what docs/accuracy.md tells, and writes it.
func TestAccuracy(t *testing.T) {
	if !*accuracy {
		t.Skip("make accuracy runs it")
	}
	parts := []struct {
		name    string
		measure func(*testing.T, accuracyDoc)
	}{{"healthy", healthyPart}, {"faults", faultPart}, {"pairs", pairPart}, {"causes", causePart}}
	for _, p := range parts {
		if *part != "" && *part != p.name {
			continue
		}
		measured := accuracyDoc{}
		p.measure(t, measured)
		if *matching != "" {
			continue
		}
		doc := readAccuracy() // which a run of another part may have written meanwhile
		maps.Copy(doc, measured)
		if err := doc.write(); err != nil {
			t.Fatal(err)
		}
	}
}

// accuracyDoc is docs/accuracy.md: its sections by heading.
type accuracyDoc map[string]string

var accuracySections = []string{"Healthy meshes", "Faults", "Traps", "Pairs of faults", "Causes and symptoms", "Headroom of thresholds"}

// readAccuracy is the page as it was measured last, of which a part may stay.
func readAccuracy() accuracyDoc {
	doc := accuracyDoc{}
	old, err := os.ReadFile(accuracyPage)
	if err != nil {
		return doc
	}
	for _, section := range strings.Split(string(old), "\n## ")[1:] {
		heading, text, _ := strings.Cut(section, "\n\n")
		doc[heading] = text
	}
	return doc
}

func (d accuracyDoc) write() error {
	var page strings.Builder
	page.WriteString("# Accuracy\n\nWritten by `make accuracy`, on the simulated cluster (`zsim`): each line is a collection and an analysis of its own.\n")
	for _, heading := range accuracySections {
		if text, measured := d[heading]; measured {
			fmt.Fprintf(&page, "\n## %s\n\n%s", heading, text)
		}
	}
	return os.WriteFile(accuracyPage, []byte(page.String()), 0o644)
}

// healthyPart measures what must give nothing: healthy meshes, and those with
// traps; and how near they come to thresholds.
func healthyPart(t *testing.T, doc accuracyDoc) {
	rooms := map[string]ruletest.Headroom{}
	doc["Healthy meshes"] = healthySection(t, rooms)
	doc["Traps"] = trapSection(t, rooms)
	doc["Headroom of thresholds"] = headroomSection(rooms)
}

func healthySection(t *testing.T, rooms map[string]ruletest.Headroom) string {
	var trials []trial
	for _, of := range []size{small, large, {*largest, 2 * *largest}} {
		trials = append(trials, trial{name: of.String(), opts: generated(of, nil, nil)})
	}
	var text strings.Builder
	text.WriteString("| mesh | findings, hints among them | undecided |\n| --- | --- | --- |\n")
	for _, r := range tried(t, trials, true) {
		if r.err != nil || len(r.result.Findings)+len(r.result.Undecided) > 0 {
			t.Errorf("healthy, %s: %v, %v", r.name, r.err, r.result.named("critical", "error", "warning", "notice", "hint"))
		}
		fmt.Fprintf(&text, "| %s | %d | %d |\n", r.name, len(r.result.Findings), len(r.result.Undecided))
		widen(rooms, r.room)
	}
	return text.String()
}

func faultPart(t *testing.T, doc accuracyDoc) {
	sizes := []size{small, large}
	names := slices.DeleteFunc(faultNames(), unmatched(t))
	var trials []trial
	for _, name := range names {
		for _, of := range sizes {
			trials = append(trials, trial{name: name + " on " + of.String(), opts: generated(of, []string{name}, nil)})
		}
	}
	tried(t, trials, false)
	counts := make([]int, len(sizes))
	var lines strings.Builder
	for i, name := range names {
		fmt.Fprintf(&lines, "| `%s` |", name)
		for j := range sizes {
			missed, others := trials[i*len(sizes)+j].verdictOf(name)
			if len(missed)+len(others) > 0 {
				t.Errorf("%s on %v: missed %v, false alarms %v", name, sizes[j], missed, others)
			} else {
				counts[j]++
			}
			fmt.Fprintf(&lines, " %s | %s |", yes(len(missed) == 0), list(others))
		}
		lines.WriteString("\n")
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Found, with its subject, and nothing else: %d of %d on %v; %d of %d on %v.\n\n", counts[0], len(names), sizes[0], counts[1], len(names), sizes[1])
	fmt.Fprintf(&text, "| fault | found on %d nodes | false alarms | found on %d nodes | false alarms |\n| --- | --- | --- | --- | --- |\n%s", sizes[0].nodes, sizes[1].nodes, lines.String())
	doc["Faults"] = text.String()
}

func trapSection(t *testing.T, rooms map[string]ruletest.Headroom) string {
	var trials []trial
	for _, trap := range sim.Traps() {
		trials = append(trials, trial{name: trap.Name, opts: generated(medium, nil, []string{trap.Name})})
	}
	tried(t, trials, true)
	var text strings.Builder
	text.WriteString("What a healthy mesh may have and looks like a fault.\n\n| trap | what it is | may give | false alarms |\n| --- | --- | --- | --- |\n")
	for i, trap := range sim.Traps() {
		alarms := trials[i].result.named(above[trap.Ceiling]...)
		if trials[i].err != nil || len(alarms) > 0 {
			t.Errorf("trap %s: %v, %v", trap.Name, trials[i].err, alarms)
		}
		ceiling := trap.Ceiling
		if ceiling == "" {
			ceiling = "nothing"
			widen(rooms, trials[i].room)
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", trap.Name, trap.Title, ceiling, list(alarms))
	}
	return text.String()
}

func pairPart(t *testing.T, doc accuracyDoc) {
	passed := unmatched(t)
	all := slices.DeleteFunc(pairs(faultNames()), func(p [2]string) bool { return passed(p[0] + " and " + p[1]) })
	var trials []trial
	for _, p := range all {
		trials = append(trials, trial{name: p[0] + " and " + p[1], opts: generated(roomy, p[:], nil)})
	}
	tried(t, trials, false)
	both, apart := 0, 0
	var lines strings.Builder
	for i, p := range all {
		if errors.Is(trials[i].err, sim.ErrNoSubject) {
			apart++ // the one leaves nothing to plant the other on
			continue
		}
		missed, others := trials[i].verdictOf(p[0], p[1])
		if len(missed)+len(others) == 0 {
			both++
			continue
		}
		t.Errorf("%s: missed %v, false alarms %v", trials[i].name, missed, others)
		fmt.Fprintf(&lines, "| `%s` | `%s` | %s | %s |\n", p[0], p[1], list(missed), list(others))
	}
	text := fmt.Sprintf("On %v. Of %d pairs both were found, and nothing else, in %d; %d more have no room for both.\n", roomy, len(all)-apart, both, apart)
	if lines.Len() > 0 {
		text += "\n| fault | and | missed | false alarms |\n| --- | --- | --- | --- |\n" + lines.String()
	}
	doc["Pairs of faults"] = text
}

// unmatched tells what -matching leaves out.
func unmatched(t *testing.T) func(name string) bool {
	wanted, err := regexp.Compile(*matching)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) bool { return !wanted.MatchString(name) }
}

// widen keeps of each threshold the worst case.
func widen(rooms map[string]ruletest.Headroom, more []ruletest.Headroom) {
	for _, h := range more {
		key := h.Rule + " " + h.Comparison
		old := rooms[key]
		h.Items, h.Worst = h.Items+old.Items, math.Max(h.Worst, old.Worst)
		rooms[key] = h
	}
}

func headroomSection(rooms map[string]ruletest.Headroom) string {
	var text strings.Builder
	text.WriteString("How near the healthy meshes and the traps above come to the thresholds of rules: the worst case as a share of the threshold, among\n" +
		"the items that nothing but this comparison keeps from being found. Where there are none, other conditions keep all of them.\n\n| rule | found where | items | worst |\n| --- | --- | --- | --- |\n")
	keys := make([]string, 0, len(rooms))
	for k := range rooms {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		h := rooms[k]
		worst := "-"
		if h.Items > 0 {
			worst = fmt.Sprintf("%.0f%%", 100*h.Worst)
		}
		fmt.Fprintf(&text, "| `%s` | `%s` | %d | %s |\n", h.Rule, strings.ReplaceAll(h.Comparison, "|", "\\|"), h.Items, worst)
	}
	return text.String()
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "**no**"
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
