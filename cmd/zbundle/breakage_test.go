package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/sim"
)

// outcome is what came of collecting from a broken cluster.
type outcome struct {
	code     int
	said     string // on standard error
	files    []string
	manifest bundle.Manifest
	analysis said
}

// breakOnce collects from a cluster with parts broken, and verifies and
// analyzes what came of it.
func breakOnce(ctx context.Context, bin, dir string, breaks []string, args ...string) (outcome, error) {
	cluster, err := sim.Start(ctx, sim.Options{
		Generate: &sim.Generate{Nodes: 3, Workloads: 15, Seed: 1, Version: "1.30.3"}, Break: breaks,
	})
	if err != nil {
		return outcome{}, err
	}
	kubeconfig, file := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "out", "mesh.tgz")
	err = errors.Join(cluster.Kubeconfig(kubeconfig), os.Mkdir(filepath.Dir(file), 0o700))
	if err != nil {
		return outcome{}, errors.Join(err, cluster.Close())
	}
	o, err := collectOnce(bin, file, append([]string{"--kubeconfig", kubeconfig, "--request-timeout", "4s", "--timeout", "5m", "--metrics-interval", "10ms"}, args...)...)
	return o, errors.Join(err, cluster.Close())
}

func collectOnce(bin, file string, args ...string) (outcome, error) {
	var o outcome
	var err error
	_, o.said, o.code, err = process(bin, append([]string{"collect", "-o", file}, args...)...)
	if err != nil {
		return o, err
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return o, err
	}
	for _, e := range entries {
		o.files = append(o.files, e.Name())
	}
	if !slices.Contains(o.files, filepath.Base(file)) {
		return o, nil
	}
	if _, said, code, err := process(bin, "verify", file); err != nil || code != 0 {
		return o, errors.Join(err, fmt.Errorf("verify: exit %d: %s", code, said))
	}
	manifest, _, _, err := process(bin, "cat", file, layout.Manifest)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(manifest, &o.manifest); err != nil {
		return o, err
	}
	analysis, said, _, err := process(bin, "analyze", "-o", "json", file)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(analysis, &o.analysis); err != nil {
		return o, fmt.Errorf("%w: %s", err, said)
	}
	return o, nil
}

// process runs the binary to its end.
func process(bin string, args ...string) (stdout []byte, stderr string, code int, err error) {
	var out, said strings.Builder
	cmd := exec.Command(bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code, err = exit.ExitCode(), nil
	}
	return []byte(out.String()), said.String(), code, err
}

// breakage is a way to break a cluster and what has to come of it.
type breakage struct {
	how  string // PART=HOW
	args []string
	code int
	// task is what the breakage is about, and gap how the manifest has to tell of it: "STATUS: REASON".
	task, gap string
	// others are tasks that depend on the same, by prefix.
	others []string
	// found is what the breakage is a fault of itself; rules are those that find it, where it has too many subjects to name.
	found, rules []string
	// undecided is a rule that may not be decided then; "" where nothing is missing.
	undecided string
}

// answerBreakages are all the ways to break an answer, for each part that answers.
func answerBreakages() []breakage {
	var out []breakage
	for _, part := range []struct {
		name, task, undecided string
		others                []string
		gaps                  map[string]string // where they are not the usual ones
	}{
		{"ztunnel", "ztunnel/config_dump", "workload-missing-in-ztunnel", nil, map[string]string{"invalid": "failed: config dump: section services", "huge": ""}},
		{"istiod", "istiod/syncz", "xds-unacked", []string{"istiod/"}, map[string]string{"invalid": "failed: the answer is not valid JSON", "huge": ""}},
		{"logs", "ztunnel/log", "xds-cannot-connect", nil, map[string]string{
			"invalid": "", "huge": "", "500": "failed: the API server answered 500", "429": "not-ready: the API server answered 429",
			"hang-in-body": "truncated: the log broke off", "reset": "truncated: the answer broke off", "truncated": "truncated: the log broke off",
		}},
		{"metrics", "ztunnel/metrics", "ztunnel-fd-exhaustion", nil, map[string]string{"invalid": "failed: the answer is not what was asked for"}},
		{"lists", "cluster/core/services", "service-no-endpoints", nil, map[string]string{
			"invalid": "failed: read a page of services: the answer is not valid JSON", "huge": "failed: read a page of services: the answer is larger", "500": "failed: the API server answered 500", "429": "not-ready: the API server answered 429",
		}},
	} {
		for how, gap := range map[string]string{
			"hang": "timeout: no", "hang-in-body": "timeout: no", "reset": "truncated: the answer broke off", "truncated": "truncated: the answer broke off",
			"500": "failed: it answered 500", "429": "failed: it answered 429", "drip": "timeout: no whole answer", "wrong": "failed: the answer is not what was asked for: a web page",
			"huge": "failed: the answer is larger than it may be", "invalid": "",
		} {
			if own, ok := part.gaps[how]; ok {
				gap = own
			}
			b := breakage{how: part.name + "=" + how, code: exitGaps, task: part.task, gap: gap, others: part.others, undecided: part.undecided}
			if b.how == "ztunnel=huge" { // it holds workloads that nothing backs, and not those of the mesh
				b.rules = []string{"workload-missing-in-ztunnel", "workload-stale-deleted-pod"}
			}
			if how == "huge" {
				b.args = []string{"--request-timeout", "5m", "--timeout", "30m"}
			}
			if gap == "" {
				b.code, b.undecided = exitClean, ""
			}
			out = append(out, b)
		}
	}
	return out
}

func clusterBreakages() []breakage {
	unreachable := []string{"ztunnel/", "istiod/", "cni/"} // what runs on the node
	return []breakage{
		{how: "node=dead-kubelet", code: exitGaps, task: "ztunnel/config_dump", gap: "failed: port-forward to pod istio-system/ztunnel-", others: unreachable, undecided: "workload-missing-in-ztunnel"},
		{how: "node=tls", code: exitGaps, task: "ztunnel/log", gap: "failed: the API server answered 500: Internal error occurred: error dialing backend: tls:", others: unreachable, undecided: "xds-cannot-connect"},
		{how: "node=not-ready", code: exitGaps, task: "ztunnel/metrics", gap: "failed: port-forward to pod istio-system/ztunnel-", others: unreachable, undecided: "ztunnel-fd-exhaustion", found: []string{"workload-dead-node: node-0000"}},
		{how: "ztunnel=deleted", code: exitGaps, task: "ztunnel/config_dump", gap: "not-ready: the pod is gone", others: []string{"ztunnel/"}, undecided: "workload-missing-in-ztunnel"},
		{how: "ztunnel=skew", code: exitClean},
		{how: "api=restart", code: exitClean, args: []string{"--request-timeout", "1m"}},
		{how: "api=skew", code: exitClean},
	}
}

// TestABrokenClusterCostsWhatIsBrokenAndNothingElse breaks a cluster in every
// way: the run ends, the bundle holds everything else and says what is missing
// and why, and no rule that depends on it is decided.
func TestABrokenClusterCostsWhatIsBrokenAndNothingElse(t *testing.T) {
	atLength(t)
	bin := built(t)
	breakages := append(clusterBreakages(), answerBreakages()...)
	outcomes, errs := make([]outcome, len(breakages)), make([]error, len(breakages))
	// Most of them wait most of the time.
	slots := make(chan struct{}, 10)
	var all sync.WaitGroup
	for i, b := range breakages {
		dir := t.TempDir()
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			outcomes[i], errs[i] = breakOnce(t.Context(), bin, dir, []string{b.how}, b.args...)
		})
	}
	all.Wait()
	for i, b := range breakages {
		t.Run(b.how, func(t *testing.T) {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			b.check(t, outcomes[i])
		})
	}
}

func (b breakage) check(t *testing.T, o outcome) {
	t.Helper()
	if o.code != b.code || !slices.Equal(o.files, []string{"mesh.tgz"}) {
		t.Fatalf("exit %d, files %v; want exit %d and mesh.tgz\n%s", o.code, o.files, b.code, o.said)
	}
	told := b.gap == ""
	for _, task := range o.manifest.Tasks {
		if task.Status.Complete() {
			continue
		}
		got := string(task.Status) + ": " + task.Reason
		switch {
		case task.ID == b.task && strings.HasPrefix(got, b.gap):
			told = true
		case task.ID == b.task, slices.ContainsFunc(b.others, func(prefix string) bool { return strings.HasPrefix(task.ID, prefix) }):
			t.Logf("%s of %s: %s", task.ID, task.Target.Name, got)
		default:
			t.Errorf("%s of %s is missing as well: %s", task.ID, task.Target.Name, got)
		}
	}
	if !told {
		t.Errorf("the manifest does not say %q of %s", b.gap, b.task)
	}
	found := o.analysis.named("critical", "error", "warning", "notice")
	if b.rules != nil {
		b.found = b.rules
		for i := range found {
			found[i], _, _ = strings.Cut(found[i], ":")
		}
	}
	if diff := cmp.Diff(append([]string{}, b.found...), found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if b.undecided == "" {
		return
	}
	if o.analysis.Verdict == "clean" || !slices.ContainsFunc(o.analysis.Undecided, func(u undecided) bool { return u.ID == b.undecided }) {
		t.Errorf("verdict %s, and %s is decided: %v", o.analysis.Verdict, b.undecided, o.analysis.Undecided)
	}
}

func TestACertificateThatNobodyKnowsIsAnErrorAndNoBundle(t *testing.T) {
	o, err := breakOnce(t.Context(), built(t), t.TempDir(), []string{"api=tls"})
	if err != nil {
		t.Fatal(err)
	}
	if o.code != exitFailed || len(o.files) > 0 || !strings.Contains(o.said, "certificate signed by unknown authority") {
		t.Errorf("exit %d, files %v, said %s", o.code, o.files, o.said)
	}
}
