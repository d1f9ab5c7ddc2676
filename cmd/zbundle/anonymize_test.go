package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// faultsAtOnce are planted in one world: a world for each would take minutes.
const faultsAtOnce = 8

func TestAnAnonymizedBundleHasThePlainOnesFindingsRenamed(t *testing.T) {
	atLength(t)
	bin := built(t)
	var planted []string
	for _, fault := range sim.Faults() {
		if !slices.Contains(gaps, fault.Name) { // these hide the others
			planted = append(planted, fault.Name)
		}
	}
	groups := append(slices.Collect(slices.Chunk(planted, faultsAtOnce)), slices.Collect(slices.Chunk(gaps, 1))...)
	var mu sync.Mutex
	found := map[string]bool{}
	t.Run("worlds", func(t *testing.T) {
		for _, group := range groups {
			t.Run(group[0], func(t *testing.T) {
				t.Parallel()
				for _, world := range together(group) {
					plain, _ := collectCluster(t, bin, generated(medium, world, nil))
					other, names := anonymized(t, bin, plain)
					want := judgement(t, told(t, bin, nil, "analyze", "-o", "json", plain))
					got := judgement(t, revealed(t, bin, names, told(t, bin, nil, "analyze", "-o", "json", other)))
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%v: -plain +anonymized and revealed:\n%s", world, diff)
					}
					mu.Lock()
					for _, f := range want.Findings {
						found[f.ID] = true
					}
					mu.Unlock()
				}
			})
		}
	})
	if len(found) < len(planted)*2/3 {
		t.Errorf("%d faults show as %d findings only: they hide each other", len(planted), len(found))
	}
}

// together parts faults that can't be planted in one world.
func together(faults []string) [][]string {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cluster, err := sim.Start(ctx, generated(medium, faults, nil))
	if err == nil {
		err = cluster.Close()
	}
	if err == nil || len(faults) == 1 {
		return [][]string{faults}
	}
	half := len(faults) / 2
	return append(together(faults[:half]), together(faults[half:])...)
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
