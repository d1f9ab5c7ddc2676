package main

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkAnalyze analyzes bundles of healthy meshes with 10,000 workloads
// and a log of 1 MB of each ztunnel, and reports what that needs beside
// unpacking the bundle: `make bench-analyze`.
func BenchmarkAnalyze(b *testing.B) {
	peaks := map[int]float64{}
	for _, nodes := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(nodes)+"-ztunnels", func(b *testing.B) {
			kubeconfig, zbundle := servedMesh(b, "--nodes", strconv.Itoa(nodes), "--workloads", "10000", "--log-bytes", "1000000")
			file := filepath.Join(b.TempDir(), "b.tgz")
			collect := exec.Command(zbundle, collecting(kubeconfig, file, "--budget", "0", "--timeout", "2h")...)
			if out, err := collect.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			var seconds, unpacking, cpu float64
			for b.Loop() {
				began := time.Now()
				if out, err := exec.Command("sh", "-c", `gzip -dc "$0" | wc -c`, file).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				unpacking += time.Since(began).Seconds()
				cmd := exec.Command(zbundle, "analyze", file)
				began = time.Now()
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				seconds += time.Since(began).Seconds()
				cpu += float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()) / 1e9
				peaks[nodes] = max(peaks[nodes], float64(peakKB(cmd.ProcessState))/1000)
			}
			n := float64(b.N)
			b.ReportMetric(0, "ns/op") // building and collecting the mesh is no part of it
			b.ReportMetric(seconds/n, "s-analyze")
			b.ReportMetric(cpu/n, "s-CPU")
			b.ReportMetric(unpacking/n, "s-gzip-dc")
			b.ReportMetric(seconds/unpacking, "x-gzip-dc")
			b.ReportMetric(peaks[nodes], "MB-peak")
			if before := peaks[nodes/10]; before > 0 {
				b.ReportMetric(peaks[nodes]/before, "x-peak-of-a-tenth")
			}
		})
	}
}
