package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// BenchmarkBundle collects meshes of 10,000 workloads, logs off, and reports
// what the bundle weighs and what collect needed: `make bench-bundle`.
// The baseline is what tar czf makes of the raw dumps.
func BenchmarkBundle(b *testing.B) {
	var agreed, before, rss20 float64
	var nodesBefore int
	for _, c := range []struct {
		name         string
		nodes, drift int
	}{{"20-ztunnels", 20, 0}, {"100-ztunnels", 100, 0}, {"200-ztunnels", 200, 0}, {"200-ztunnels-3-missing-on-each", 200, 3}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				file, rss := collected(b, "--nodes", strconv.Itoa(c.nodes), "--workloads", "10000", "--drift", strconv.Itoa(c.drift))
				info, err := os.Stat(file)
				if err != nil {
					b.Fatal(err)
				}
				size := float64(info.Size())
				b.ReportMetric(size/1000, "kB")
				b.ReportMetric(rss, "MB-peak")
				switch {
				case c.nodes == 20:
					before, nodesBefore, rss20 = size, c.nodes, rss
					raw := rawArchive(b, file)
					b.ReportMetric(raw/1000, "kB-raw-tgz")
					b.ReportMetric(raw/float64(c.nodes)/1000, "kB-raw-tgz/ztunnel")
				case c.drift == 0:
					b.ReportMetric((size-before)/float64(c.nodes-nodesBefore)/1000, "kB/further-ztunnel")
					agreed, before, nodesBefore = size, size, c.nodes
					b.ReportMetric(rss/rss20, "x-peak-of-20")
				default:
					b.ReportMetric(size/agreed, "x-in-agreement")
					b.ReportMetric(rss/rss20, "x-peak-of-20")
				}
			}
		})
	}
}

// BenchmarkLeakScan collects a mesh, logs and all, and reports how much of
// collect's CPU time the scan for leaks takes: at most a third is wanted.
func BenchmarkLeakScan(b *testing.B) {
	for b.Loop() {
		kubeconfig, _ := servedMesh(b, "--nodes", "20", "--workloads", "2000")
		profile := filepath.Join(b.TempDir(), "cpu")
		file, err := os.Create(profile)
		if err != nil {
			b.Fatal(err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			b.Fatal(err)
		}
		var stderr strings.Builder
		code := run(context.Background(), collecting(kubeconfig, filepath.Join(b.TempDir(), "b.tgz")), streams{Out: io.Discard, Err: &stderr})
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil || code != exitClean {
			b.Fatalf("exit %d, %v: %s", code, err, stderr.String())
		}
		// What is behind the scan, hash and disk, is not its own.
		out, err := exec.Command("go", "tool", "pprof", "-top", "-focus", "leakFilter", "-ignore", `spool..put`, profile).CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		share := regexp.MustCompile(`accounting for [^,]+, ([0-9.]+)% of ([0-9.]+m?s) total`).FindSubmatch(out)
		if share == nil {
			b.Fatalf("%s", out)
		}
		percent, err := strconv.ParseFloat(string(share[1]), 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(percent, "%-of-collect's-CPU")
	}
}

// servedMesh builds the binaries and runs an invented mesh until the benchmark ends.
func servedMesh(b *testing.B, args ...string) (kubeconfig, zbundle string) {
	b.Helper()
	dir := b.TempDir()
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, ".", "../zsim").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	kubeconfig = filepath.Join(dir, "kubeconfig")
	mesh := exec.Command(filepath.Join(dir, "zsim"), append(args, "--kubeconfig", kubeconfig)...)
	ready, err := mesh.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := mesh.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = mesh.Process.Signal(syscall.SIGTERM) // it may be gone, which Wait tells
		if err := mesh.Wait(); err != nil {
			b.Error(err)
		}
	})
	if line, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		b.Fatalf("%q: %v", line, err)
	}
	return kubeconfig, filepath.Join(dir, "zbundle")
}

// collecting is collect from that cluster to that file. Two looks at metrics
// would else be 10 s apart however small the mesh.
func collecting(kubeconfig, file string, more ...string) []string {
	return append([]string{"collect", "-q", "--metrics-interval", "1ms", "--kubeconfig", kubeconfig, "-o", file}, more...)
}

// collected runs the built binary on a mesh, and returns the bundle and the
// process's peak memory in MB. The mesh is a process of its own: a child's
// peak begins with that of the process which started it.
func collected(b *testing.B, args ...string) (string, float64) {
	b.Helper()
	kubeconfig, zbundle := servedMesh(b, args...)
	file := filepath.Join(b.TempDir(), "b.tgz")
	cmd := exec.Command(zbundle, collecting(kubeconfig, file, "--no-logs")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return file, float64(peakKB(cmd.ProcessState)) / 1000
}

// rawArchive is the size of a .tgz of the whole dumps.
func rawArchive(b *testing.B, file string) float64 {
	b.Helper()
	r, err := bundle.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	var manifest strings.Builder
	if _, err := r.Cat(context.Background(), layout.Manifest, &manifest); err != nil {
		b.Fatal(err)
	}
	m, err := bundle.DecodeManifest(strings.NewReader(manifest.String()))
	if err != nil {
		b.Fatal(err)
	}
	var size counter
	zip := gzip.NewWriter(&size)
	archive := tar.NewWriter(zip)
	for _, d := range m.Dumps {
		if err := archive.WriteHeader(&tar.Header{Name: d.Path, Size: d.Bytes, Mode: 0o600}); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Cat(context.Background(), d.Path, archive); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []io.Closer{archive, zip} {
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(size)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
