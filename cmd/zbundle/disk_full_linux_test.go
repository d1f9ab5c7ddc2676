package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

// TestAFullDiskIsAnErrorAndLeavesNoFile collects to a file system that is too small.
func TestAFullDiskIsAnErrorAndLeavesNoFile(t *testing.T) {
	bin := built(t)
	cluster, err := sim.Start(context.Background(), sim.Options{Generate: &sim.Generate{Nodes: 6, Workloads: 300, Seed: 1, Version: "1.30.3"}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.Kubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	flags := []string{"collect", "-q", "--metrics-interval", "10ms", "--kubeconfig", kubeconfig}

	dir := t.TempDir()
	// In a mount namespace of its own; another user than root needs one of users too.
	script := `mount -t tmpfs -o size=256k none "$0" || exit 99; "$@"; code=$?; ls -A "$0"; exit $code`
	cmd := exec.Command("sh", append([]string{"-c", script, dir, bin}, append(flags, "-o", filepath.Join(dir, "mesh.tgz"))...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var said, left strings.Builder
	cmd.Stderr, cmd.Stdout = &said, &left
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || exit != nil && exit.ExitCode() == 99 {
		t.Skipf("this machine lets no test mount a file system: %v %s", err, said.String())
	}
	if exit == nil || exit.ExitCode() != exitFailed || !strings.Contains(said.String(), "no space left on device") || left.Len() > 0 {
		t.Errorf("ended with %v, left %q, said %s; want exit %d and no file", err, left.String(), said.String(), exitFailed)
	}
}
