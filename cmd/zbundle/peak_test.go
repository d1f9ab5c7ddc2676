package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// peakVariable names the environment variable with the file to write a
// process's peak of memory to: with it, the test binary runs its arguments.
const peakVariable = "ZBUNDLE_TEST_PEAK"

// mostTime is how long a measured process may take.
const mostTime = 3 * time.Minute

// measured makes a command that is run by a fresh process of the test's own
// binary, and a function that gives its peak of memory in KB afterwards. A
// process's peak begins with what the one that started it had at the time: in
// a test that is everything that other tests hold.
func measured(t *testing.T, name string, args ...string) (*exec.Cmd, func() int64) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not say how much memory a process took at most")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "peak")
	cmd := exec.CommandContext(t.Context(), self, append([]string{name}, args...)...)
	cmd.Env = append(os.Environ(), peakVariable+"="+file)
	return cmd, func() int64 {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		peak, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return peak
	}
}

// measure runs a command, notes its peak, and ends as it did.
func measure(file string, args []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	peak := peakKB(cmd.ProcessState)
	if err := os.WriteFile(file, strconv.AppendInt(nil, peak, 10), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return cmd.ProcessState.ExitCode() // -1 where its time was up
}

func TestAPeakIsThatOfTheProcessAlone(t *testing.T) {
	fat := make([]byte, mostMemory<<10)
	for i := 0; i < len(fat); i += 4096 {
		fat[i] = 1
	}
	cmd, peak := measured(t, built(t), "version")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if kb := peak(); kb > mostMemory/2 {
		t.Errorf("it took %d MB of memory, with %d MB held by the test", kb>>10, len(fat)>>20)
	} else {
		t.Logf("it took %d MB of memory", kb>>10)
	}
	fat[0]++
}
