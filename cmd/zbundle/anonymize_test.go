package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

func TestAnAnonymizedBundleHasThePlainOnesFindingsRenamed(t *testing.T) {
	bin := built(t)
	for _, fault := range sim.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			plain, _ := collectCluster(t, bin, sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3", Faults: []string{fault.Name}}})
			other, names := anonymized(t, bin, plain)
			want, got := judgement(t, told(t, bin, nil, "analyze", "-o", "json", plain)), judgement(t, revealed(t, bin, names, told(t, bin, nil, "analyze", "-o", "json", other)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-plain +anonymized and revealed:\n%s", diff)
			}
			if len(want.Findings)+len(want.Undecided) == 0 {
				t.Error("nothing was found in either")
			}
		})
	}
}

// anonymized writes a bundle anew, and returns it and the map of its names.
func anonymized(t *testing.T, bin, plain string) (file, names string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "other.tgz")
	told(t, bin, nil, "anonymize", plain, "-o", file)
	return file, file + ".names.json"
}

func revealed(t *testing.T, bin, names string, text []byte) []byte {
	t.Helper()
	return told(t, bin, bytes.NewReader(text), "reveal", names)
}

// told is what a command prints; that it found something is no failure.
func told(t *testing.T, bin string, in io.Reader, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); err != nil && !slices.Contains([]int{exitFindings, exitUndecided, exitGaps}, code) {
		t.Fatalf("zbundle %v: %v\n%s", args, err, stderr.Bytes())
	}
	return out
}

// renamed is what must not depend on names. A message does: of many subjects it tells of the first.
type renamed struct {
	Verdict  string
	Findings []struct {
		ID, Severity string
		Subjects     []struct{ Kind, Namespace, Name, Node string }
	}
	Undecided []struct{ ID string }
}

// judgement reads a report, and puts into order what stands in that of the names.
func judgement(t *testing.T, report []byte) renamed {
	t.Helper()
	var r renamed
	if err := json.Unmarshal(report, &r); err != nil {
		t.Fatalf("%v\n%s", err, report)
	}
	for i := range r.Findings {
		slices.SortFunc(r.Findings[i].Subjects, func(a, b struct{ Kind, Namespace, Name, Node string }) int {
			return bytes.Compare([]byte(a.Kind+a.Namespace+"/"+a.Name+a.Node), []byte(b.Kind+b.Namespace+"/"+b.Name+b.Node))
		})
	}
	return r
}
