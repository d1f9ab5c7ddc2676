package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// said is what the test reads of `analyze -o json`.
type said struct {
	Verdict   string      `json:"verdict"`
	Findings  []finding   `json:"findings"`
	Past      []finding   `json:"past"`
	Decided   []string    `json:"decided"`
	Undecided []undecided `json:"undecided"`
	InFlight  []struct {
		Subject struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"subject"`
		What  string   `json:"what"`
		Rules []string `json:"rules"`
	} `json:"inFlight"`
}

type undecided struct {
	ID      string   `json:"id"`
	Reasons []string `json:"reasons"`
}

// at are the findings of some severities.
func (r said) at(severities ...string) []finding {
	var out []finding
	for _, f := range r.Findings {
		if slices.Contains(severities, f.Severity) {
			out = append(out, f)
		}
	}
	return out
}

type finding struct {
	Last     string `json:"last"`
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Subjects []struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"subjects"`
	Evidence []struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Pointer string `json:"pointer"`
	} `json:"evidence"`
	Explains []finding `json:"explains"`
}

// named are the findings at or above a severity, as "<id>: <subject>, <subject>".
func (r said) named(severities ...string) []string {
	out := []string{}
	for _, f := range r.at(severities...) {
		var subjects []string
		for _, s := range f.Subjects {
			subjects = append(subjects, strings.TrimPrefix(s.Namespace+"/"+s.Name, "/"))
		}
		slices.Sort(subjects)
		out = append(out, f.ID+": "+strings.Join(subjects, ", "))
	}
	slices.Sort(out)
	return out
}

var (
	faults  = []string{"critical", "error", "warning"}
	notices = []string{"notice"}
	hints   = []string{"hint"}
)

// examine collects from a simulated cluster and analyzes the bundle.
func examine(t *testing.T, bin string, opts sim.Options) (said, string) {
	t.Helper()
	r, file, _ := examineCluster(t, bin, opts)
	return r, file
}

func examineCluster(t *testing.T, bin string, opts sim.Options) (said, string, []sim.Planted) {
	t.Helper()
	file, planted := collectCluster(t, bin, opts)
	out := execute(t, bin, []int{exitClean, exitFindings, exitUndecided}, "analyze", "-o", "json", file)
	var r said
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("analyze -o json: %v\n%s", err, out)
	}
	return r, file, planted
}

func collectCluster(t *testing.T, bin string, opts sim.Options) (string, []sim.Planted) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cluster, err := sim.Start(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := cluster.Kubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "bundle.tgz")
	execute(t, bin, []int{exitClean, exitGaps}, "collect", "--kubeconfig", kubeconfig, "--request-timeout", "3s", "--metrics-interval", "10ms", "-o", file)
	return file, cluster.Planted()
}

func execute(t *testing.T, bin string, codes []int, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(bin, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(codes, code) {
		t.Fatalf("zbundle %s: exit %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	return stdout.Bytes()
}

// worlds says what was done to each recorded world, in the words of findings.
// A scenario that is not listed was left alone: nothing may be found in it.
var worlds = map[string][]string{
	"peer_refused":        {"pod-enrolled-not-in-ztunnel: bookinfo/details-59f8b6d7c-m6qjd"},
	"missing_on_one_node": {"workload-missing-in-ztunnel: bookinfo/details-59f8b6d7c-m6qjd"},
	"cert_denied":         {"cert-unavailable: spiffe://cluster.local/ns/bookinfo/sa/productpage"},
	"cni_gone":            {"ztunnel-no-cni-socket: istio-system/ztunnel-q9w4d"},
	"xds_down":            {"xds-cannot-connect: istio-system/ztunnel-7xk2p, istio-system/ztunnel-q9w4d"},
	"xds_nack":            {"xds-nack: istio-system/ztunnel-7xk2p, istio-system/ztunnel-q9w4d"},
}

// permitted are the notices of worlds: true, and perhaps meant so.
var permitted = map[string][]string{
	"policy_denied":       {"policy-denied: bookinfo/productpage-7c8f5d9b6-2xvnl"},
	"dual_stack":          {"policy-denied: bookinfo/productpage-7c8f5d9b6-2xvnl"},
	"noisy_apps":          {"policy-denied: bookinfo/productpage-7c8f5d9b6-2xvnl"},
	"no_healthy_upstream": {"service-no-endpoints: bookinfo/ratings"},
}

func TestEveryRecordedWorldReplaysToWhatWasDoneToIt(t *testing.T) {
	atLength(t)
	bin := built(t)
	dirs, err := filepath.Glob("../../testdata/ztunnel/*/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recorded worlds: %v", err)
	}
	for _, dir := range dirs {
		version, scenario := filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
		switch scenario {
		case "rich_config", "rbac_oracle":
			continue // made for their shapes: references dangle, and policies are random, on purpose
		}
		t.Run(version+"/"+scenario, func(t *testing.T) {
			t.Parallel()
			r, _ := examine(t, bin, sim.Options{Replay: dir})
			if diff := cmp.Diff(append([]string{}, worlds[scenario]...), r.named(faults...)); diff != "" {
				t.Errorf("faults (-done to the world +found):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, permitted[scenario]...), r.named(notices...)); diff != "" {
				t.Errorf("notices (-expected +found):\n%s", diff)
			}
			sameInABugReport(t, bin, dir, r)
			for _, f := range r.Findings {
				if len(f.Evidence) == 0 {
					t.Errorf("%s has no evidence", f.ID)
				}
				for _, e := range f.Evidence {
					if e.File == "" || e.Line == 0 && e.Pointer == "" && !strings.Contains(e.File, "views/") && !strings.HasSuffix(e.File, ".json") {
						t.Errorf("%s: evidence %+v names no place", f.ID, e)
					}
				}
			}
		})
	}
}

func TestRichConfigurationsAreReadWhole(t *testing.T) {
	bin := built(t)
	dirs, err := filepath.Glob("../../testdata/ztunnel/*/rich_config")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recorded worlds: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			t.Parallel()
			r, file := examine(t, bin, sim.Options{Replay: dir})
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
			sameInABugReport(t, bin, dir, r)
		})
	}
}
