package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/ruletest"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/internal/sim"
)

// trial is one world, and what analyze made of it.
type trial struct {
	name    string
	opts    sim.Options
	planted []sim.Planted
	result  said
	room    []ruletest.Headroom
	err     error
}

// trialsPerProcessor is how many worlds are tried at once: collect waits for its own bound on
// requests a second as long as it works.
const trialsPerProcessor = 3

// tried runs worlds, some at once, and logs what each came to.
func tried(t *testing.T, trials []trial, headroom bool) []trial {
	ctx, dir := t.Context(), t.TempDir()
	next := make(chan int)
	var workers sync.WaitGroup
	for range trialsPerProcessor * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				one := &trials[i]
				one.err = one.run(ctx, filepath.Join(dir, fmt.Sprint(i)), headroom)
				t.Logf("%d of %d: %s: %v, %v", i+1, len(trials), one.name, one.result.ids(), one.err)
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
		return fmt.Errorf("starting the simulated mesh: %w", err)
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

func roomIn(ctx context.Context, file string) ([]ruletest.Headroom, error) {
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
	return ruletest.MeasureHeadroom(ctx, engine, m)
}

// verdictOf says whether what was planted was found, and what else was.
func (t *trial) verdictOf(names ...string) (missed, others []string) {
	if t.err != nil {
		return []string{t.err.Error()}, nil
	}
	var wanted []string
	for _, name := range names {
		wanted = append(wanted, foundAs(name))
	}
	for i, id := range wanted {
		if !t.result.has(id, t.planted[i].Subject, found[names[i]].others) {
			missed = append(missed, names[i])
		}
	}
	others = slices.DeleteFunc(t.result.ids(), func(id string) bool { return slices.Contains(wanted, id) })
	return missed, others
}

// has tells whether a rule found something, at the top or under its cause: of
// the subject, unless others may show it.
func (r said) has(id string, s sim.Subject, others bool) bool {
	for _, f := range everything(r.Findings) {
		for _, subject := range f.Subjects {
			if f.ID == id && (others || subject.Kind == s.Kind && subject.Namespace == s.Namespace && subject.Name == s.Name) {
				return true
			}
		}
	}
	return false
}

// ids of the findings that are more than hints.
func (r said) ids() []string {
	var ids []string
	for _, f := range r.at(slices.Concat(faults, notices)...) {
		ids = append(ids, f.ID)
	}
	return ids
}

func everything(list []finding) []finding {
	var out []finding
	for _, f := range list {
		out = append(append(out, f), everything(f.Explains)...)
	}
	return out
}

// size of a mesh. Each ztunnel holds every workload, so that what a mesh weighs is the product of both.
type size struct{ nodes, workloads int }

var (
	small  = size{3, 31} // the last app has one pod, so that some nodes have none of it
	medium = size{6, 60}
	roomy  = size{12, 120} // for two faults at once
	large  = size{100, 400}
)

func (s size) String() string { return fmt.Sprintf("%d nodes, %d workloads", s.nodes, s.workloads) }

func generated(of size, faults, traps []string) sim.Options {
	return sim.Options{Generate: &sim.Generate{Nodes: of.nodes, Workloads: of.workloads, Seed: 1, Version: "1.30.3", Faults: faults, Traps: traps}}
}

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
