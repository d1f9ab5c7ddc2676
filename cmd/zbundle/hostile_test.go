package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mostMemory is what analyze may take of a hostile bundle, in KB.
const mostMemory = 256 << 10

// maker writes a bundle by hand: tar in gzip, with all that no honest writer does.
type maker struct {
	t    *testing.T
	file io.Writer
	gz   *gzip.Writer
	tar  *tar.Writer
}

// hostile makes a bundle that begins with a healthy ztunnel, "good", and goes on as more says.
func hostile(t *testing.T, more func(m *maker)) string {
	t.Helper()
	return packed(t, "bundle.tgz", func(m *maker) {
		m.text("zbundle.json", `{"format":1,"tool":"0","started":"2026-11-23T07:00:00Z"}`)
		m.text("nodes/one/ztunnel/good/config_dump.json", healthyDump(t))
		more(m)
	})
}

// packed makes an archive of what fill writes.
func packed(t *testing.T, base string, fill func(m *maker)) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), base)
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m := &maker{t: t, file: file}
	m.gz, err = gzip.NewWriterLevel(file, gzip.BestSpeed)
	m.check(err)
	m.tar = tar.NewWriter(m.gz)
	fill(m)
	m.check(m.tar.Close())
	m.check(m.gz.Close())
	m.check(file.Close())
	return name
}

func healthyDump(t *testing.T) string {
	t.Helper()
	dump, err := os.ReadFile("../../testdata/ztunnel/1.28.9/healthy/worker-1/config_dump.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(dump)
}

func (m *maker) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) header(h tar.Header) {
	m.t.Helper()
	h.Mode = 0o644
	m.check(m.tar.WriteHeader(&h))
}

func (m *maker) text(name, content string) {
	m.t.Helper()
	m.header(tar.Header{Name: name, Size: int64(len(content))})
	_, err := io.WriteString(m.tar, content)
	m.check(err)
}

// parts writes an entry of a head, n times a block, and a tail. The block is
// compressed but once: gzip members may follow each other.
func (m *maker) parts(name, head string, block []byte, n int, tail string) {
	m.t.Helper()
	size := int64(len(head)) + int64(n)*int64(len(block)) + int64(len(tail))
	m.header(tar.Header{Name: name, Size: size})
	m.member([]byte(head))
	var member bytes.Buffer
	gz := gzip.NewWriter(&member)
	_, err := gz.Write(block)
	m.check(errors.Join(err, gz.Close()))
	for range n {
		_, err := m.file.Write(member.Bytes())
		m.check(err)
	}
	m.gz.Reset(m.file)
	_, err = m.gz.Write(append([]byte(tail), make([]byte, (512-size%512)%512)...))
	m.check(err)
	// What is written from here on must not know of the entry, which is whole.
	m.tar = tar.NewWriter(m.gz)
}

// member ends the gzip member under way, after b.
func (m *maker) member(b []byte) {
	m.t.Helper()
	_, err := m.gz.Write(b)
	m.check(errors.Join(err, m.gz.Close()))
}

// verdict is what analyze said of a hostile bundle.
type verdict struct {
	Completeness struct {
		Ztunnels struct{ Read, Total int }
		Problems []struct{ Path, Text string }
	}
}

// judged analyzes a bundle in an empty folder, and holds the process to its
// bounds: nothing written, little memory, an end, a result.
func judged(t *testing.T, file string) verdict {
	t.Helper()
	work := filepath.Join(t.TempDir(), "outer", "work")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd, peakOf := measured(t, built(t), "analyze", "-o", "json", file)
	cmd.Dir, cmd.Env = work, append(cmd.Env, "TMPDIR="+work)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains([]int{exitClean, exitFindings, exitUndecided}, code) {
		t.Fatalf("exit code %d\n%.2000s", code, stderr.String())
	}
	if peak := peakOf(); peak > mostMemory {
		t.Errorf("it took %d MB of memory", peak>>10)
	} else {
		t.Logf("it took %d MB of memory", peak>>10)
	}
	var found []string
	err = filepath.WalkDir(filepath.Dir(work), func(name string, _ os.DirEntry, err error) error {
		found = append(found, name)
		return err
	})
	if diff := cmp.Diff([]string{filepath.Dir(work), work}, found); diff != "" || err != nil {
		t.Errorf("files where there were none: %v\n%s", err, diff)
	}
	var v verdict
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		t.Fatalf("analyze -o json: %v\n%.2000s", err, stdout.String())
	}
	return v
}

// told fails where no problem of the path has the text.
func (v verdict) told(t *testing.T, path, text string) {
	t.Helper()
	for _, p := range v.Completeness.Problems {
		if strings.HasSuffix(p.Path, path) && strings.Contains(p.Text, text) {
			if len(p.Text) > 2000 {
				t.Errorf("%s: a problem of %d bytes", path, len(p.Text))
			}
			return
		}
	}
	t.Errorf("no problem of %q says %q: %.2000s", path, text, fmt.Sprint(v.Completeness.Problems))
}

// Where the bad entries stand.
const (
	badLog     = "nodes/two/ztunnel/bad/log.txt"
	badDump    = "nodes/two/ztunnel/bad/config_dump.json"
	badMetrics = "nodes/two/ztunnel/bad/metrics.txt"
	badDelta   = "nodes/two/ztunnel/bad/config_dump/workloads.delta.json"
	badPods    = "cluster/core/pods.json"
	badSyncz   = "istiod/bad/syncz.json"
	manifest   = "manifest.json"
)

// attack is a bundle and what is to be said of it: texts by path.
type attack struct {
	name string
	make func(m *maker)
	told map[string]string
}

var attacks = []attack{
	{name: "paths that leave the folder", make: func(m *maker) {
		for _, name := range []string{"../x", "a/../../y", "/etc/z", `cluster\..\..\x`, "nodes/../../../w"} {
			m.text(name, "{}")
		}
	}, told: map[string]string{"../x": "leaves the bundle's folder", "a/../../y": "leaves the bundle's folder", "/etc/z": "leaves the bundle's folder", "nodes/../../../w": "leaves the bundle's folder"}},
	{name: "links out of the bundle", make: func(m *maker) {
		m.header(tar.Header{Name: badDump, Typeflag: tar.TypeLink, Linkname: "/etc/passwd"})
		m.header(tar.Header{Name: badLog, Typeflag: tar.TypeLink, Linkname: "../../../etc/passwd"})
		m.header(tar.Header{Name: badPods, Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	}, told: map[string]string{badDump: "a link to", badLog: "a link to", badPods: "neither a file nor a hard link"}},
	{name: "links in place of files", make: func(m *maker) {
		for _, name := range []string{badDump, badLog, badMetrics, badPods, badSyncz, manifest, "views/workloads-1.json", "istiod/bad/log.txt", "nodes/two/cni/bad/metrics.txt"} {
			m.header(tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: "zbundle.json"})
		}
	}, told: map[string]string{badDump: "link to zbundle.json", badLog: "link to zbundle.json", badMetrics: "link to zbundle.json", badPods: "link to zbundle.json", badSyncz: "link to zbundle.json", manifest: "link to zbundle.json"}},
	{name: "devices and pipes", make: func(m *maker) {
		m.header(tar.Header{Name: badDump, Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 5})
		m.header(tar.Header{Name: badLog, Typeflag: tar.TypeFifo})
	}, told: map[string]string{badDump: "neither a file nor a hard link", badLog: "neither a file nor a hard link"}},
	{name: "a name twice, and in another case", make: func(m *maker) {
		m.text("nodes/one/ztunnel/good/config_dump.json", "{}")
		m.text("Nodes/one/ztunnel/good/config_dump.json", "{}")
	}, told: map[string]string{"nodes/one/ztunnel/good/config_dump.json": "a second entry", "Nodes/one/ztunnel/good/config_dump.json": "a second entry"}},
	{name: "ten gigabytes of nothing", make: func(m *maker) {
		m.parts(badDump, "", make([]byte, 64<<20), 160, "")
	}, told: map[string]string{badDump: "exceed the limit of an entry", ".tgz": "reading stopped"}},
	{name: "a million entries", make: func(m *maker) {
		for i := range 1_000_000 {
			m.header(tar.Header{Name: fmt.Sprintf("nodes/%d/ztunnel/z/log.txt", i)})
		}
	}, told: map[string]string{"ztunnel/z/log.txt": "more than 10000 ztunnel pods", ".tgz": "reading stopped"}},
	{name: "deep nesting", make: func(m *maker) {
		deep := strings.Repeat("[", 100_000)
		m.text(badDump, `{"workloads":[{"name":`+deep)
		m.text(badPods, `{"items":[{"metadata":`+strings.Repeat(`{"a":`, 100_000))
		m.text(badSyncz, `[{"new":`+deep)
		m.text("istiod/bad/ambientz.json", `{"new":`+deep)
		m.text(manifest, `{"format":1,"tasks":`+deep)
	}, told: map[string]string{badDump: "depth", badPods: "depth", badSyncz: "depth", "istiod/bad/ambientz.json": "depth", manifest: "/tasks/0"}},
	{name: "a line of a gigabyte", make: func(m *maker) {
		m.parts(badLog, "2026-11-23T06:45:23.030417Z\terror\txds\t", bytes.Repeat([]byte("x"), 16<<20), 63, "\n")
	}},
	{name: "a number that is none", make: func(m *maker) {
		m.text(badDump, `{"workloads":[{"uid":"u","capacity":1e400,"name":"n"},{"uid":"v","capacity":99999999999999999999}],"certificates":[]}`)
		m.text(badPods, `{"items":[{"metadata":{"name":"p","namespace":"n"},"status":{"containerStatuses":[{"restartCount":99999999999999999999}]}}]}`)
		m.text(badMetrics, "process_open_fds 1e400\nistio_tcp_connections_opened_total NaN\n")
		m.text(manifest, `{"format":1,"tasks":[{"durationMs":1e400}]}`)
	}, told: map[string]string{badPods: "99999999999999999999", manifest: "1e400"}},
	{name: "strings of fifty megabytes", make: func(m *maker) {
		block := bytes.Repeat([]byte("x"), 10<<20)
		m.parts(badDump, `{"workloads":[{"uid":"`, block, 5, `"}],"certificates":[]}`)
		m.parts(badPods, `{"items":[{"metadata":{"name":"`, block, 5, `"}}]}`)
		m.parts(badSyncz, `[{"proxy":"`, block, 5, `"}]`)
		m.parts("istiod/bad/ambientz.json", `{"workloads":[{"uid":"`, block, 5, `"}]}`)
		m.parts(badMetrics, `a{b="`, block, 5, `"} 1`)
	}, told: map[string]string{badDump: "MB", badPods: "MB", badSyncz: "MB", "istiod/bad/ambientz.json": "MB", badMetrics: "longer than"}},
	{name: "bytes that are no text", make: func(m *maker) {
		m.text(badDump, "{\"workloads\":[{\"uid\":\"\xff\xfe\",\"name\":\"\xc3\"}],\"certificates\":[]}")
		m.text(badLog, "2026-11-23T06:45:23.030417Z\terror\txds\t\xff\xfe\x00\n\x00\xff")
		m.text("nodes/\xff/ztunnel/\xfe/ready.txt", "\xff")
		m.text(badPods, "\xff\xfe")
	}, told: map[string]string{badPods: "list of objects"}},
	{name: "a manifest that lies", make: func(m *maker) {
		m.text(manifest, `{"format":1,"captured":"9999-12-31T23:59:59Z","started":"0001-01-01T00:00:00Z",
			"tasks":[{"id":"ztunnel/config_dump","target":{"kind":"ztunnel","name":"liar"},"status":"ok","durationMs":-9223372036854775808,"bytes":-1,"entries":["/etc/passwd","../x"]}],
			"discovery":[{"kind":"ztunnel","name":"../../x","node":"/"}],
			"entries":[{"path":"gone.json","sha256":"00","bytes":-5},{"path":"zbundle.json","bytes":9223372036854775807}],
			"dumps":[{"path":"../x","bytes":-1,"sections":["../../x"]}]}`)
	}},
	{name: "a manifest of millions of tasks", make: func(m *maker) {
		m.parts(manifest, `{"format":1,"tasks":[{}`, bytes.Repeat([]byte(",{}"), 1<<20), 20, "]}")
	}, told: map[string]string{manifest: "more than 250000 objects"}},
	{name: "istiod's lists with millions of elements", make: func(m *maker) {
		m.parts(badSyncz, "[{}", bytes.Repeat([]byte(",{}"), 1<<20), 4, "]")
		m.parts("istiod/bad/clusterz.json", "[{}", bytes.Repeat([]byte(",{}"), 1<<20), 4, "]")
		m.parts("istiod/bad/networkz.json", "[{}", bytes.Repeat([]byte(",{}"), 1<<20), 4, "]")
	}, told: map[string]string{badSyncz: "more than", "istiod/bad/clusterz.json": "more than", "istiod/bad/networkz.json": "more than"}},
	{name: "a delta with millions of items", make: func(m *maker) {
		m.text("views/workloads-0.json", `{"workloads":[]}`)
		m.parts(badDelta, `{"view":"views/workloads-0.json","extra":[{}`, bytes.Repeat([]byte(",{}"), 1<<20), 4, "]}")
	}, told: map[string]string{badDelta: "more than"}},
	{name: "a delta of a gigabyte", make: func(m *maker) {
		m.text("views/workloads-0.json", `{"workloads":[]}`)
		m.parts(badDelta, `{"view":"views/workloads-0.json","extra":[{"item":"`, bytes.Repeat([]byte("x"), 16<<20), 63, `"}]}`)
	}, told: map[string]string{badDelta: "exceeds the 64 MB limit"}},
	{name: "sections with millions of members", make: func(m *maker) {
		for section, member := range map[string]string{"services": "{}", "policies": "{}", "certificates": "{}"} {
			m.parts("nodes/two/ztunnel/bad/config_dump/"+section+".json", `{"`+section+`":[{}`, bytes.Repeat([]byte(","+member), 1<<20), 4, "]}")
		}
	}, told: map[string]string{"services.json": "more than", "policies.json": "more than", "certificates.json": "more than"}},
	{name: "a pod of millions of connections", make: func(m *maker) {
		m.parts("nodes/two/ztunnel/bad/config_dump/workloadState.json", `{"workloadState":{"a":{"state":"Up","connections":{"inbound":[{}`, bytes.Repeat([]byte(",{}"), 1<<20), 4, `]}}}}`)
	}, told: map[string]string{"workloadState.json": "more than"}},
	{name: "a manifest of another shape", make: func(m *maker) {
		m.text(manifest, `{"format":1,"captured":"yesterday"}`)
	}, told: map[string]string{manifest: "yesterday"}},
}

func TestAHostileBundleIsHeldToItsBounds(t *testing.T) { withstand(t, attacks, hostile) }

// withstand analyzes what each attack makes with pack, which adds a healthy
// ztunnel: that one is read, and what the attack spoiled is named.
func withstand(t *testing.T, attacks []attack, pack func(t *testing.T, more func(m *maker)) string) {
	t.Helper()
	atLength(t)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			v := judged(t, pack(t, a.make))
			for path, text := range a.told {
				v.told(t, path, text)
			}
			if v.Completeness.Ztunnels.Read < 1 {
				t.Errorf("the good ztunnel is not counted: %+v", v.Completeness.Ztunnels)
			}
		})
	}
}
