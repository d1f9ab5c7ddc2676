package lab

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	peerRuns  = flag.Int("peer", 0, "collect so many times with zbundle and with istioctl bug-report, one after the other, and print what each needed")
	peerNodes = flag.Int("peer-nodes", 50, "nodes of the mesh that -peer collects")
	peerPods  = flag.Int("peer-workloads", 10000, "workloads of that mesh")
)

// TestBesideBugReport prints what zbundle collect needs of a large mesh
// beside istioctl bug-report: `make bench-peer`. Both are let take whole logs, and
// zbundle's two looks at metrics, of which bug-report takes none, follow each other at once.
func TestBesideBugReport(t *testing.T) {
	if *peerRuns == 0 {
		t.Skip("make bench-peer runs it")
	}
	w := startLargeMesh(t, size{nodes: *peerNodes, workloads: *peerPods, logBytes: 11e6})
	kubeconfig := w.Kubeconfig(t, admin)
	t.Logf("%d ztunnels, a dump of %s and a log of %s each", len(w.ztunnels),
		megabytes(fileSize(t, filepath.Join(w.dir, "ztunnel-00000.json"))), megabytes(fileSize(t, w.ztunnels["worker-1"].logFile)))
	for range *peerRuns {
		dir := t.TempDir()
		peer := taken{cost: measured(t, filepath.Join(os.Getenv("LAB_BIN"), "istioctl"),
			"bug-report", "--skip-analyze", "--kubeconfig", kubeconfig, "--output-dir", dir)}
		peer.weigh(t, filepath.Join(dir, "bug-report.tar.gz"))
		file := filepath.Join(dir, "bundle.tgz")
		ours := taken{cost: measured(t, zbundle, "collect", "-q", "--kubeconfig", kubeconfig, "-o", file, "--log-bytes", "16Mi", "--metrics-interval", "1ms")}
		ours.weigh(t, file)
		t.Log(compared(peer, ours))
	}
}

// taken is what a tool needed, and the size of the archive that it wrote.
type taken struct {
	cost
	archive, logs int64 // compressed
	files         int
}

// weigh tells how much of an archive are the logs: each file's share of the
// compressed stream that it lies in.
func (k *taken) weigh(t *testing.T, file string) {
	t.Helper()
	f := must[*os.File](t)(os.Open(file))
	defer f.Close()
	k.archive = fileSize(t, file)
	at := &position{from: f}
	zip := must[*gzip.Reader](t)(gzip.NewReader(at))
	archive := tar.NewReader(zip)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		before := at.read
		if _, err := io.Copy(io.Discard, archive); err != nil {
			t.Fatalf("%s: %s: %v", file, header.Name, err)
		}
		k.files++
		if isLog(header.Name) {
			k.logs += at.read - before
		}
	}
}

// isLog is true of the logs of both archives' layouts.
func isLog(name string) bool {
	return path.Ext(name) == ".log" || strings.HasPrefix(path.Base(name), "log.")
}

// position counts what was read of a stream.
type position struct {
	from io.Reader
	read int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.from.Read(b[:min(len(b), 512)])
	p.read += int64(n)
	return n, err
}

func fileSize(t *testing.T, file string) int64 {
	t.Helper()
	return must[os.FileInfo](t)(os.Stat(file)).Size()
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// compared is a table of both, with what was wanted of the ratio.
func compared(peer, ours taken) string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what string, show func(taken) string, value func(taken) float64, wanted string) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%.3f\t%s\t\n", what, show(peer), show(ours), value(ours)/value(peer), wanted)
	}
	seconds := func(what string, of func(taken) time.Duration, wanted string) {
		row(what, func(k taken) string { return fmt.Sprintf("%.1f s", of(k).Seconds()) }, func(k taken) float64 { return of(k).Seconds() }, wanted)
	}
	bytes := func(what string, of func(taken) int64, wanted string) {
		row(what, func(k taken) string { return megabytes(of(k)) }, func(k taken) float64 { return float64(of(k)) }, wanted)
	}
	fmt.Fprint(table, "\n\tbug-report\tzbundle\tratio\twanted\t\n")
	seconds("time", func(k taken) time.Duration { return k.Wall }, "≤ 0.5")
	seconds("own CPU", func(k taken) time.Duration { return k.CPU }, "≤ 0.5")
	bytes("peak memory", func(k taken) int64 { return k.Peak }, "≤ 0.1")
	bytes("archive without logs", func(k taken) int64 { return k.archive - k.logs }, "≤ 0.1")
	bytes("archive", func(k taken) int64 { return k.archive }, "")
	seconds("servers' CPU", func(k taken) time.Duration { return k.Servers }, "")
	_ = table.Flush() // a strings.Builder takes all
	return out.String()
}
