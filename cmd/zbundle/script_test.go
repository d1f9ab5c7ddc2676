package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zbundle/zbundle/internal/sim"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(peakVariable); file != "" {
		os.Exit(measure(file, os.Args[1:]))
	}
	testscript.Main(builder{m}, map[string]func(){"zbundle": main})
}

// binaryVariable names the environment variable with the path of the binary that tests drive.
const binaryVariable = "ZBUNDLE_TEST_BINARY"

// builder builds zbundle once for all tests.
type builder struct{ *testing.M }

func (b builder) Run() int {
	dir, err := os.MkdirTemp("", "zbundle-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "zbundle")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile builds it
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	os.Setenv(binaryVariable, binary)
	return b.M.Run()
}

// built is the zbundle that tests drive.
func built(t *testing.T) string {
	t.Helper()
	return os.Getenv(binaryVariable)
}

// atLength marks a test that drives the built binary many times over: of that
// the race detector, which runs the tests with -short, sees nothing.
func atLength(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("drives the built binary, of which the race detector sees nothing: runs without -short")
	}
}

func TestSessions(t *testing.T) {
	recorded, err := filepath.Abs("../../testdata/ztunnel")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cluster": startCluster,
			"cut":     cutFile,
			"exits":   exits,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("RECORDED", recorded)
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
	})
}

// startCluster runs a simulated cluster until the session ends, and points
// KUBECONFIG to it, and with a context of its own to all of these:
// cluster [nodes=N] [fault=NAME]... [rights=FILE] [memory-limit=BYTES] [memory-used=BYTES]
// [without=PART] [replay=DIR] [context=NAME] [id=CLUSTER] [network=NAME] [peer=CLUSTER=NETWORK/GATEWAY].
func startCluster(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("cluster can't be negated")
	}
	generate := &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3"}
	opts := sim.Options{Generate: generate}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "nodes":
			n, err := strconv.Atoi(value)
			ts.Check(err)
			generate.Nodes = n
		case "fault":
			generate.Faults = append(generate.Faults, value)
		case "memory-limit", "memory-used":
			n, err := strconv.ParseInt(value, 10, 64)
			ts.Check(err)
			if key == "memory-limit" {
				generate.MemoryLimit = n
			} else {
				generate.MemoryUsed = n
			}
		case "rights":
			f, err := os.Open(ts.MkAbs(value))
			ts.Check(err)
			opts.Roles, err = sim.ReadRoles(f)
			ts.Check(errors.Join(err, f.Close()))
		case "context":
			opts.Context = value
		case "id":
			generate.ClusterID = value
		case "network":
			generate.Network = value
		case "peer":
			peer, err := sim.ParsePeer(value)
			ts.Check(err)
			generate.Peers = append(generate.Peers, peer)
		case "without":
			generate.Without = value
		case "replay":
			opts = sim.Options{Replay: value}
		default:
			ts.Fatalf("cluster: %q", arg)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cluster, err := sim.Start(ctx, opts)
	ts.Check(err)
	ts.Defer(func() {
		ts.Check(cluster.Close())
		cancel()
	})
	kubeconfig := ts.MkAbs("kubeconfig" + opts.Context)
	ts.Check(cluster.Kubeconfig(kubeconfig))
	if others := ts.Getenv("KUBECONFIG"); opts.Context != "" && others != "" {
		kubeconfig += string(os.PathListSeparator) + others
	}
	ts.Setenv("KUBECONFIG", kubeconfig)
}

// exits runs a command that must end with a code: exits CODE COMMAND [ARG]...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// cutFile shortens a file: cut FILE BYTES.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}
