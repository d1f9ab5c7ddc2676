package collect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/sim"
)

const testNode, testTarget = "node-1", "istio-system/ztunnel-1/istio-proxy"

// guarded is a guard that has seen a mesh of so many pods, and one ztunnel with a memory limit.
func guarded(pods int, limit int64, force bool) (*guard, target) {
	s := newSurvey("", Options{})
	s.pods = pods
	b := &budget{survey: s, observed: newObserved(Options{})}
	return newGuard(force, s, b), target{kind: kindZtunnel, namespace: "istio-system", name: "ztunnel-1", node: testNode, container: "istio-proxy", memory: limit, running: true}
}

func TestADumpThatMayNotFitIsNotAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		pods        int
		limit, used int64
		allocatable int64
		nodeUsed    int64
		force       bool
		want        bool
		why         string
	}{
		"a usual mesh under the usual limit":      {pods: 15_000, limit: 512 * mb, used: 81 * mb, want: true},
		"a large mesh under the usual limit":      {pods: 100_000, limit: 512 * mb, used: 200 * mb, why: "takes? up to|may take 453"},
		"a large mesh under a large limit":        {pods: 100_000, limit: 2048 * mb, used: 500 * mb, want: true},
		"use that is not known is guessed":        {pods: 60_000, limit: 512 * mb, why: "is taken to use"},
		"no limit on a node with room":            {pods: 100_000, allocatable: 32 * 1024 * mb, nodeUsed: 8 * 1024 * mb, want: true},
		"no limit on a node that is full":         {pods: 100_000, allocatable: 32 * 1024 * mb, nodeUsed: 32*1024*mb - 100*mb, why: "its node has 100.0 MB free"},
		"nothing is known of limit or node":       {pods: 100_000, want: true},
		"a large mesh, asked for all the same":    {pods: 100_000, limit: 512 * mb, used: 200 * mb, force: true, want: true},
		"a small mesh beside a limit almost used": {pods: 1_000, limit: 128 * mb, used: 120 * mb, why: "its limit of 128.0 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			r, z := guarded(test.pods, test.limit, test.force)
			if test.used > 0 {
				r.use.containers[testTarget] = test.used
			}
			r.survey.nodes[testNode] = node{allocatable: test.allocatable}
			r.use.nodes[testNode] = test.nodeUsed
			ok, why := r.mayDump(z)
			if ok != test.want || !ok && !strings.Contains(why, "--force-dump") {
				t.Errorf("may it be asked? %t, because %q", ok, why)
			}
			if test.why != "" && !slices.ContainsFunc(strings.Split(test.why, "|"), func(part string) bool { return strings.Contains(why, part) }) {
				t.Errorf("why: %q, want %q", why, test.why)
			}
		})
	}
}

func TestIstiodsOwnCountWeighsDumps(t *testing.T) {
	r, z := guarded(100, 512*mb, false)
	seen := r.budget.observed.observerOf(task{id: ambientTask}, target{kind: kindIstiod})
	body := io.TeeReader(strings.NewReader(ambientzOf(100_000)), seen)
	buffer := make([]byte, 1013) // cuts keys in two
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{body}, buffer); err != nil {
		t.Fatal(err)
	}
	seen.end()
	if r.budget.workloads() != 100_000 {
		t.Errorf("%d workloads were counted", r.budget.workloads())
	}
	r.use.containers[testTarget] = 200 * mb
	if ok, _ := r.mayDump(z); ok {
		t.Error("a dump of 100,000 workloads is asked for under a limit of 512 MB")
	}
}

func ambientzOf(n int) string {
	var b strings.Builder
	b.WriteString(`{"workloads":[`)
	for i := range n {
		fmt.Fprintf(&b, `{"uid":"Kubernetes//Pod/shop/w-%d","name":"w-%d"},`, i, i)
	}
	return b.String() + `],"services":[]}`
}

func TestASkippedDumpSaysWhyInTheManifest(t *testing.T) {
	world := &sim.Generate{Nodes: 2, Workloads: 12, Seed: 1, Version: "1.30.3", MemoryLimit: 64 << 20, MemoryUsed: 63 << 20}
	got := collectFrom(t, sim.Options{Generate: world}, Options{})
	skipped := 0
	for _, task := range got.manifest.Tasks {
		if task.Status != bundle.StatusSkipped {
			continue
		}
		switch task.ID {
		case "ztunnel/config_dump":
			skipped++
			if !strings.Contains(task.Reason, "uses 63.0 MB of its limit of 64.0 MB") {
				t.Errorf("skipped because %q", task.Reason)
			}
		case layout.AfterTask(ambientTask):
			skipped++
		}
	}
	if skipped != 4 { // of two ztunnels, and of both istiods
		t.Errorf("%d answers that may not fit were left out", skipped)
	}
	world.MemoryUsed = 8 << 20
	for _, task := range collectFrom(t, sim.Options{Generate: world}, Options{}).manifest.Tasks {
		if task.ID == "ztunnel/config_dump" && task.Status != bundle.StatusOK {
			t.Errorf("with room enough it is %s: %s", task.Status, task.Reason)
		}
	}
}
