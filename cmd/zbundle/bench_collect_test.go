package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// BenchmarkCollect collects meshes of 10,000 workloads with a dump of 11.8 MB
// and a log of 1 MB from each ztunnel, and reports what collect needed: `make
// bench-collect`. The servers run on the same cores.
func BenchmarkCollect(b *testing.B) {
	type cost struct{ seconds, cpu, peak, bytes float64 }
	costs := map[int]cost{}
	for _, nodes := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(nodes)+"-ztunnels", func(b *testing.B) {
			for b.Loop() {
				kubeconfig, zbundle := servedMesh(b, "--nodes", strconv.Itoa(nodes), "--workloads", "10000", "--log-bytes", "1000000")
				file := filepath.Join(b.TempDir(), "b.tgz")
				cmd := exec.Command(zbundle, collecting(kubeconfig, file, "--budget", "0", "--timeout", "2h")...)
				began := time.Now()
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				elapsed, cpu := time.Since(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
				m := manifestOf(b, file)
				c := cost{elapsed.Seconds(), cpu.Seconds(), float64(peakKB(cmd.ProcessState)) / 1000, float64(m.Cost.Bytes)}
				costs[nodes] = c
				b.ReportMetric(0, "ns/op") // building and starting the mesh is no part of it
				b.ReportMetric(c.seconds, "s-collect")
				b.ReportMetric(c.peak, "MB-peak")
				b.ReportMetric(c.bytes/1e6, "MB-received")
				b.ReportMetric(float64(m.Cost.Requests), "requests")
				b.ReportMetric(c.cpu, "s-CPU")
				if before, ok := costs[nodes/10]; ok {
					b.ReportMetric(c.peak/before.peak, "x-peak-of-a-tenth")
					b.ReportMetric((c.seconds/before.seconds)/(c.bytes/before.bytes), "x-time-per-byte-of-a-tenth")
					b.ReportMetric((c.cpu/before.cpu)/(c.bytes/before.bytes), "x-CPU-per-byte-of-a-tenth")
				}
			}
		})
	}
}

func manifestOf(b *testing.B, file string) *bundle.Manifest {
	b.Helper()
	r, err := bundle.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	if _, err := r.Cat(context.Background(), layout.Manifest, &text); err != nil {
		b.Fatal(err)
	}
	m, err := bundle.DecodeManifest(strings.NewReader(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	return m
}
