package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/internal/sim"
)

var (
	accuracy = flag.Bool("accuracy", false, "measure everything, and write docs/accuracy.md (make accuracy)")
	largest  = flag.Int("largest", 1000, "nodes of the largest healthy mesh of -accuracy")
)

// errNotStarted tells of a mesh that could not be planted as asked.
var errNotStarted = errors.New("the simulated mesh did not start")

const accuracyPage = "../../docs/accuracy.md"

// trial is one world, and what analyze made of it.
type trial struct {
	name    string
	opts    sim.Options
	planted []sim.Planted
	result  result
	room    []analyze.Headroom
	err     error
}

// tried runs worlds, as many at once as there are processors, in order.
func tried(ctx context.Context, dir string, trials []trial, headroom bool) []trial {
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				t := &trials[i]
				t.err = t.run(ctx, filepath.Join(dir, fmt.Sprint(i)), headroom)
			}
		})
	}
	for i := range trials {
		next <- i
	}
	close(next)
	workers.Wait()
	return trials
}

// run collects and analyzes in this process, through the commands' own code.
func (t *trial) run(ctx context.Context, dir string, headroom bool) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cluster, err := sim.Start(ctx, t.opts)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotStarted, err)
	}
	defer cluster.Close()
	t.planted = cluster.Planted()
	kubeconfig, file := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "bundle.tgz")
	if err := cluster.Kubeconfig(kubeconfig); err != nil {
		return err
	}
	if _, err := called(ctx, "collect", "-q", "--kubeconfig", kubeconfig, "--request-timeout", "10s", "--metrics-interval", "10ms", "-o", file); err != nil {
		return err
	}
	out, err := called(ctx, "analyze", "-o", "json", file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, &t.result); err != nil || !headroom {
		return err
	}
	t.room, err = roomIn(ctx, file)
	return err
}

func called(ctx context.Context, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	if !slices.Contains([]int{exitClean, exitGaps, exitFindings, exitUndecided}, code) {
		return nil, fmt.Errorf("zbundle %s: exit code %d: %s", args[0], code, stderr.String())
	}
	return stdout.Bytes(), nil
}

func roomIn(ctx context.Context, file string) ([]analyze.Headroom, error) {
	engine, err := loadEngine(nil)
	if err != nil {
		return nil, err
	}
	src, err := source.Open(ctx, []string{file}, source.Options{})
	if err != nil {
		return nil, err
	}
	m, _, err := load.Mesh(ctx, src)
	if err != nil {
		return nil, err
	}
	return engine.Headroom(ctx, m)
}

// verdictOf says whether what was planted was found, and what else was.
func (t *trial) verdictOf(names ...string) (missed, others []string) {
	if t.err != nil {
		return []string{t.err.Error()}, nil
	}
	var wanted []string
	for _, name := range names {
		id := name
		if want, special := found[name]; special {
			id = want.id
		}
		wanted = append(wanted, id)
	}
	for i, id := range wanted {
		if !t.result.has(id, t.planted[i].Subject, found[names[i]].others) {
			missed = append(missed, names[i])
		}
	}
	for _, f := range t.result.at(append(slices.Clone(faults), notices...)...) {
		if !slices.Contains(wanted, f.ID) {
			others = append(others, f.ID)
		}
	}
	return missed, others
}

// has tells whether a rule found something, at the top or under its cause: of
// the subject, unless others may show it.
func (r result) has(id string, s sim.Subject, others bool) bool {
	for _, f := range everything(r.Findings) {
		for _, subject := range f.Subjects {
			if f.ID == id && (others || subject.Kind == s.Kind && subject.Namespace == s.Namespace && subject.Name == s.Name) {
				return true
			}
		}
	}
	return false
}

func everything(list []finding) []finding {
	var out []finding
	for _, f := range list {
		out = append(append(out, f), everything(f.Explains)...)
	}
	return out
}

func generated(nodes int, faults, traps []string) sim.Options {
	return sim.Options{Generate: &sim.Generate{Nodes: nodes, Workloads: 10 * nodes, Seed: 1, Version: "1.30.3", Faults: faults, Traps: traps}}
}

// faultNodes are the nodes of a small mesh: fewer leave too little to plant some faults on.
const faultNodes = 6

func faultNames() []string {
	var names []string
	for _, f := range sim.Faults() {
		if !slices.Contains(gaps, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// pairs of faults: each with three others, in steps that differ, so that
// faults of every part of the catalogue meet.
func pairs(names []string) [][2]string {
	var out [][2]string
	for i, name := range names {
		for _, step := range []int{1, 7, 23} {
			if other := names[(i+step)%len(names)]; other != name {
				out = append(out, [2]string{name, other})
			}
		}
	}
	return out
}

// TestAccuracy measures what docs/accuracy.md tells, and writes it.
func TestAccuracy(t *testing.T) {
	if !*accuracy {
		t.Skip("make accuracy runs it")
	}
	var page strings.Builder
	page.WriteString("# Accuracy\n\nWritten by `make accuracy`, on the simulated cluster (`zsim`): each line is a collection and an analysis of its own.\n\n")
	rooms := map[string]analyze.Headroom{}
	healthyPart(t, &page, rooms)
	faultPart(t, &page)
	trapPart(t, &page, rooms)
	pairPart(t, &page)
	headroomPart(&page, rooms)
	if err := os.WriteFile(accuracyPage, []byte(page.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func healthyPart(t *testing.T, page *strings.Builder, rooms map[string]analyze.Headroom) {
	var trials []trial
	for _, nodes := range []int{3, 100, *largest} {
		trials = append(trials, trial{name: fmt.Sprintf("%d nodes, %d workloads", nodes, 10*nodes), opts: generated(nodes, nil, nil)})
	}
	page.WriteString("## Healthy meshes\n\n| mesh | findings, hints among them | undecided |\n| --- | --- | --- |\n")
	for _, r := range tried(t.Context(), t.TempDir(), trials, true) {
		if r.err != nil || len(r.result.Findings)+len(r.result.Undecided) > 0 {
			t.Errorf("healthy, %s: %v, %v", r.name, r.err, r.result.named("critical", "error", "warning", "notice", "hint"))
		}
		fmt.Fprintf(page, "| %s | %d | %d |\n", r.name, len(r.result.Findings), len(r.result.Undecided))
		widen(rooms, r.room)
	}
}

func faultPart(t *testing.T, page *strings.Builder) {
	sizes := []int{faultNodes, 100}
	names := faultNames()
	var trials []trial
	for _, name := range names {
		for _, nodes := range sizes {
			trials = append(trials, trial{name: name, opts: generated(nodes, []string{name}, nil)})
		}
	}
	tried(t.Context(), t.TempDir(), trials, false)
	counts := make([]int, len(sizes))
	var lines strings.Builder
	for i, name := range names {
		fmt.Fprintf(&lines, "| `%s` |", name)
		for j := range sizes {
			missed, others := trials[i*len(sizes)+j].verdictOf(name)
			if len(missed)+len(others) > 0 {
				t.Errorf("%s on %d nodes: missed %v, false alarms %v", name, sizes[j], missed, others)
			} else {
				counts[j]++
			}
			fmt.Fprintf(&lines, " %s | %s |", yes(len(missed) == 0), list(others))
		}
		lines.WriteString("\n")
	}
	fmt.Fprintf(page, "\n## Faults\n\nFound, with its subject, and nothing else: %d of %d on %d nodes, %d of %d on %d.\n\n", counts[0], len(names), sizes[0], counts[1], len(names), sizes[1])
	fmt.Fprintf(page, "| fault | found on %d nodes | false alarms | found on %d nodes | false alarms |\n| --- | --- | --- | --- | --- |\n%s", sizes[0], sizes[1], lines.String())
}

func trapPart(t *testing.T, page *strings.Builder, rooms map[string]analyze.Headroom) {
	var trials []trial
	for _, trap := range sim.Traps() {
		trials = append(trials, trial{name: trap.Name, opts: generated(faultNodes, nil, []string{trap.Name})})
	}
	tried(t.Context(), t.TempDir(), trials, true)
	page.WriteString("\n## Traps\n\nWhat a healthy mesh may have and looks like a fault.\n\n| trap | what it is | may give | false alarms |\n| --- | --- | --- | --- |\n")
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
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", trap.Name, trap.Title, ceiling, list(alarms))
	}
}

func pairPart(t *testing.T, page *strings.Builder) {
	all := pairs(faultNames())
	var trials []trial
	for _, p := range all {
		trials = append(trials, trial{name: p[0] + " and " + p[1], opts: generated(2*faultNodes, p[:], nil)})
	}
	tried(t.Context(), t.TempDir(), trials, false)
	both, apart := 0, 0
	var lines strings.Builder
	for i, p := range all {
		if errors.Is(trials[i].err, errNotStarted) {
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
	fmt.Fprintf(page, "\n## Pairs of faults\n\nOf %d pairs both were found, and nothing else, in %d; %d more have no room for both.\n", len(all)-apart, both, apart)
	if lines.Len() > 0 {
		fmt.Fprintf(page, "\n| fault | and | missed | false alarms |\n| --- | --- | --- | --- |\n%s", lines.String())
	}
}

// widen keeps of each threshold the worst case.
func widen(rooms map[string]analyze.Headroom, more []analyze.Headroom) {
	for _, h := range more {
		key := h.Rule + " " + h.Comparison
		old := rooms[key]
		h.Items, h.Worst = h.Items+old.Items, math.Max(h.Worst, old.Worst)
		rooms[key] = h
	}
}

func headroomPart(page *strings.Builder, rooms map[string]analyze.Headroom) {
	page.WriteString("\n## Headroom of thresholds\n\nHow near the healthy meshes and the traps above come to the thresholds of rules: the worst case as a share of the threshold, among\n" +
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
		fmt.Fprintf(page, "| `%s` | `%s` | %d | %s |\n", h.Rule, strings.ReplaceAll(h.Comparison, "|", "\\|"), h.Items, worst)
	}
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
