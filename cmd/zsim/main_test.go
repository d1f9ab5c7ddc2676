package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
)

func TestUsage(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"no kubeconfig":          {nil, exitUsage, "--kubeconfig FILE is required"},
		"unknown flag":           {[]string{"--color"}, exitUsage, "unknown flag: --color"},
		"argument":               {[]string{"--kubeconfig", "x", "y"}, exitUsage, "flags only"},
		"fault in a recording":   {[]string{"--kubeconfig", "x", "--replay", "y", "--fault", "no-logs"}, exitUsage, "served as it was"},
		"trap in a recording":    {[]string{"--kubeconfig", "x", "--replay", "y", "--trap", "sidecars"}, exitUsage, "served as it was"},
		"no such trap":           {[]string{"--kubeconfig", "x", "--trap", "bears"}, exitFailed, "bears"},
		"list of traps":          {[]string{"--list-traps"}, 0, "virtual-nodes"},
		"no such recording":      {[]string{"--kubeconfig", "x", "--replay", "/nowhere"}, exitFailed, "/nowhere"},
		"no such fault":          {[]string{"--kubeconfig", "x", "--fault", "gremlins"}, exitFailed, "gremlins"},
		"version too old":        {[]string{"--kubeconfig", "x", "--version", "1.22.0"}, exitFailed, "1.22.0"},
		"list of faults":         {[]string{"--list-faults"}, 0, "pod-enrolled-not-in-ztunnel"},
		"help is not a mistake":  {[]string{"--help"}, 0, "--kubeconfig"},
		"more nodes than we can": {[]string{"--kubeconfig", "x", "--nodes", "0"}, exitFailed, "nodes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(t.Context(), test.args, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("said %q, want %q in it", out.String(), test.says)
			}
		})
	}
}

func TestServesUntilItIsTold(t *testing.T) {
	dir := t.TempDir()
	kubeconfig, planted := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "planted.json")
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--kubeconfig", kubeconfig, "--fault", "no-logs", "--planted", planted}, writer, io.Discard)
	}()
	said := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(reader, said); err != nil || string(said) != "ready\n" {
		t.Fatalf("said %q, %v; want ready", said, err)
	}
	if _, err := os.Stat(kubeconfig); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(planted)
	if err != nil {
		t.Fatal(err)
	}
	var faults []sim.Planted
	if err := json.Unmarshal(text, &faults); err != nil || len(faults) != 1 || faults[0].Fault != "no-logs" {
		t.Errorf("planted %s, %v", text, err)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
