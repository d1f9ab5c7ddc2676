package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim"
)

// hangingCollect starts a collection that can't end by itself within the test:
// a ztunnel hangs. It returns once answers have come.
func hangingCollect(t *testing.T) (cmd *exec.Cmd, dir string) {
	t.Helper()
	bin := built(t)
	cluster, err := sim.Start(context.Background(), sim.Options{
		Generate: &sim.Generate{Nodes: 3, Workloads: 12, Seed: 1, Version: "1.30.3", Faults: []string{"ztunnel-hangs"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	dir = t.TempDir()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.Kubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(bin, "collect", "--kubeconfig", kubeconfig, "--request-timeout", "10m", "-o", filepath.Join(dir, "mesh.tgz"))
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "collected ") {
			return cmd, dir
		}
	}
	t.Fatalf("the collection ended before it could be interrupted: %v", cmd.Wait())
	return nil, ""
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestAnInterruptKeepsWhatWasCollected(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd, dir := hangingCollect(t)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
				t.Fatalf("collect ended with %v, want exit %d", err, exitInterrupted)
			}
			if diff := cmp.Diff([]string{"mesh.tgz"}, files(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			out := execute(t, built(t), []int{exitUndecided}, "analyze", filepath.Join(dir, "mesh.tgz"))
			if !strings.Contains(string(out), "cancelled: the collection was interrupted") {
				t.Errorf("the bundle does not say that it was interrupted:\n%s", out)
			}
		})
	}
}

// TestAnInterruptAtAnyMomentLeavesAWholeBundle interrupts at requests that a
// seed chose, which cuts the run into ever other places.
func TestAnInterruptAtAnyMomentLeavesAWholeBundle(t *testing.T) {
	bin := built(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		at := 1 + random.Int64N(100)
		t.Run(fmt.Sprintf("request %d", at), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			process := make(chan *os.Process, 1)
			cluster, err := sim.Start(context.Background(), sim.Options{
				Generate: &sim.Generate{Nodes: 3, Workloads: 12, Seed: 1, Version: "1.30.3"},
				OnRequest: func(sim.Request) {
					if requests.Add(1) != at {
						return
					}
					if err := (<-process).Signal(syscall.SIGINT); err != nil {
						t.Error(err)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			dir := t.TempDir()
			kubeconfig, file := filepath.Join(t.TempDir(), "kubeconfig"), filepath.Join(dir, "mesh.tgz")
			if err := cluster.Kubeconfig(kubeconfig); err != nil {
				t.Fatal(err)
			}
			// Two looks that are far apart: the run can't be over before the signal comes.
			cmd := exec.Command(bin, "collect", "-q", "--metrics-interval", "10m", "--kubeconfig", kubeconfig, "-o", file)
			cmd.Env = append(os.Environ(), "TMPDIR="+dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			process <- cmd.Process
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
				t.Fatalf("collect ended with %v, want exit %d", err, exitInterrupted)
			}
			left := files(t, dir)
			if len(left) == 0 && at == 1 {
				return // nothing was there to keep
			}
			if diff := cmp.Diff([]string{"mesh.tgz"}, left); diff != "" {
				t.Fatalf("files (-want +got):\n%s", diff)
			}
			execute(t, bin, []int{exitClean}, "verify", file)
			if out := execute(t, bin, []int{exitClean}, "cat", file, "manifest.json"); !strings.Contains(string(out), `"incomplete": "interrupted"`) {
				t.Error("the manifest does not say that the run was interrupted")
			}
			execute(t, bin, []int{exitUndecided}, "analyze", file)
		})
	}
}

func TestASecondInterruptEndsAtOnceAndLeavesNoFile(t *testing.T) {
	cmd, dir := hangingCollect(t)
	// The second can't come too early: whichever way the first was taken, no
	// file may be left that is not whole.
	for range 2 {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("collect ended as if nothing had happened")
	}
	for _, name := range files(t, dir) {
		if name == "mesh.tgz" {
			execute(t, built(t), []int{exitUndecided}, "analyze", filepath.Join(dir, name))
			continue
		}
		t.Errorf("%s was left behind", name)
	}
}
