package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/sim"
)

// collectedFrom collects from a cluster into a new file of that name.
func collectedFrom(t *testing.T, cluster *sim.Cluster, name string, opts collect.Options) string {
	t.Helper()
	if opts.MetricsInterval == 0 {
		opts.MetricsInterval = time.Millisecond
	}
	opts.Output, opts.Context = filepath.Join(t.TempDir(), name), "zsim"
	if _, err := collect.Run(t.Context(), []collect.Cluster{{Config: cluster.RESTConfig()}}, opts, collect.Quiet{}); err != nil {
		t.Fatal(err)
	}
	return opts.Output
}

// opened is a bundle with its manifest.
func opened(t *testing.T, name string) (*bundle.Reader, *bundle.Manifest) {
	t.Helper()
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := r.Cat(t.Context(), layout.Manifest, &text); err != nil {
		t.Fatal(err)
	}
	m, err := bundle.DecodeManifest(&text)
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

func merged(t *testing.T, shards ...string) string {
	t.Helper()
	var readers []*bundle.Reader
	for _, name := range shards {
		r, err := bundle.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	name := filepath.Join(t.TempDir(), "merged.tgz")
	if _, err := bundle.Merge(t.Context(), readers, name, bundle.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestMergedShardsAreTheBundleOfOneRun compares entry by entry, task by task and
// finding by finding, where ztunnels agree and where each of them lacks other workloads.
func TestMergedShardsAreTheBundleOfOneRun(t *testing.T) {
	for _, test := range []struct {
		name     string
		generate sim.Generate
	}{
		{"in step", sim.Generate{Faults: []string{"workload-missing-in-ztunnel", "no-logs"}}},
		{"in drift", sim.Generate{Drift: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := test.generate
			g.Nodes, g.Workloads, g.Seed, g.Version = 12, 90, 1, "1.30.3"
			cluster, err := sim.Start(t.Context(), sim.Options{Generate: &g})
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			whole := collectedFrom(t, cluster, "whole.tgz", collect.Options{})
			var shards []string
			const of = 3
			for i := range of {
				shards = append(shards, collectedFrom(t, cluster, fmt.Sprintf("shard-%d.tgz", i), collect.Options{Shard: &bundle.Shard{Index: i, Of: of}}))
			}
			parts := merged(t, shards...)

			_, want := opened(t, whole)
			reader, got := opened(t, parts)
			if diff := cmp.Diff(contentsOf(t, whole, want), contentsOf(t, parts, got)); diff != "" {
				t.Errorf("entries (-one run +merged):\n%s", diff)
			}
			ignored := cmpopts.IgnoreFields(bundle.Task{}, "Started", "DurationMS", "ClockSkewMS")
			forms := cmp.Transformer("sections", func(e []string) string { return strings.ReplaceAll(strings.Join(e, "\n"), ".delta.json", ".json") })
			for _, tasks := range [][]bundle.Task{want.Tasks, got.Tasks} {
				for i := range tasks {
					if slices.ContainsFunc(tasks[i].Entries, isCount) {
						tasks[i].Bytes = 0
					}
				}
			}
			if diff := cmp.Diff(want.Tasks, got.Tasks, ignored, forms); diff != "" {
				t.Errorf("tasks (-one run +merged):\n%s", diff)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(bundle.Manifest{}, "Entries"), cmpopts.IgnoreFields(bundle.Collection{}, "Incomplete", "Tasks", "Captured", "Started", "Finished", "Shards", "Cost")); diff != "" {
				t.Errorf("manifest (-one run +merged):\n%s", diff)
			}
			if v, err := reader.Verify(t.Context()); err != nil || !v.OK() {
				t.Errorf("verify: %+v, %v", v, err)
			}
			// Which view holds an item depends on which ztunnel was read first.
			places := cmpopts.IgnoreFields(mesh.Evidence{}, "File", "Pointer")
			if diff := cmp.Diff(verdictOn(t, whole), verdictOn(t, parts), places); diff != "" {
				t.Errorf("findings (-one run +merged):\n%s", diff)
			}
			if one, all := sizeOf(t, whole), sizeOf(t, parts); all > one+one/10 {
				t.Errorf("merged it has %d bytes, of one run %d", all, one)
			}
		})
	}
}

// contentsOf are the hashes of all that a bundle tells, whatever is shared in
// it: sections by the dump that they make up, istiod's answers as they are printed.
func contentsOf(t *testing.T, name string, m *bundle.Manifest) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range m.Entries {
		switch {
		case isCount(e.Path):
			out[e.Path] = "counts"
		case e.Path == layout.Header, strings.HasPrefix(e.Path, "views/"), strings.Contains(e.Path, "/config_dump/"):
		case strings.Contains(e.Path, "/xds/"):
			section := strings.ReplaceAll(e.Path, ".delta.json", ".json")
			out[section] = printed(t, name, section)
		default:
			out[e.Path] = e.SHA256
		}
	}
	for _, d := range m.Dumps {
		out[d.Path] = printed(t, name, d.Path)
	}
	return out
}

// isCount is true of Envoys' metrics, which go on counting from one collection to the next.
func isCount(entry string) bool {
	return strings.HasPrefix(entry, "waypoints/") && strings.HasSuffix(entry, "/metrics.txt")
}

func printed(t *testing.T, name, path string) string {
	t.Helper()
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	if _, err := r.Cat(t.Context(), path, hash); err != nil {
		t.Errorf("cat %s: %v", path, err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

func verdictOn(t *testing.T, name string) *result.Result {
	t.Helper()
	engine, err := loadEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	result, err := analyze.Analyze(context.Background(), r, engine, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, result.Bundle.Captured); err != nil {
		t.Error(err)
	}
	result.Bundle.Captured = ""
	return result
}

func sizeOf(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
