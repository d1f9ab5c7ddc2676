package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// costVariable names the environment variable with the file to write a
// process's cost to: with it, the test binary runs its arguments.
const costVariable = "ZBUNDLE_LAB_COST"

func TestMain(m *testing.M) {
	if file := os.Getenv(costVariable); file != "" {
		os.Exit(account(file, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// cost is what one process needed.
type cost struct {
	Wall, CPU time.Duration
	Peak      int64 // of resident memory, in bytes
	Servers   time.Duration
}

// account runs a command, notes what it needed, and ends as it did. A
// process's peak begins with what the one that started it had at the time: in
// the test that is the whole mesh.
func account(file string, args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := cost{Wall: time.Since(began), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.Peak = usage.Maxrss << 10
	}
	text, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// measured runs a command to its end beside the lab's servers.
func measured(t *testing.T, name string, args ...string) cost {
	t.Helper()
	self := must[string](t)(os.Executable())
	file := filepath.Join(t.TempDir(), "cost")
	before := serversCPU(t)
	cmd := exec.Command(self, append([]string{name}, args...)...)
	cmd.Env = append(os.Environ(), costVariable+"="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	var c cost
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(file)), &c); err != nil {
		t.Fatal(err)
	}
	c.Servers = serversCPU(t) - before
	return c
}

// ticksPerSecond are those of /proc's times, the same on all of Linux.
const ticksPerSecond = 100

// serversCPU is the CPU time of the test, which is the ztunnels, and of what
// it started: etcd, the API server, kwok's kubelets and istiod.
func serversCPU(t *testing.T) time.Duration {
	t.Helper()
	var ticks int64
	for _, file := range must[[]string](t)(filepath.Glob("/proc/[0-9]*/stat")) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		// The name, in brackets, may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		own := filepath.Base(filepath.Dir(file)) == strconv.Itoa(os.Getpid())
		if !own && fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		for _, f := range fields[11:13] { // utime, stime
			ticks += must[int64](t)(strconv.ParseInt(f, 10, 64))
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}
