package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
)

var captured = time.Date(2026, 11, 23, 7, 35, 53, 0, time.UTC)

func create(t testing.TB, name string, force bool) *bundle.Writer {
	t.Helper()
	w, err := bundle.Create(name, bundle.CreateOptions{Force: force, KeepPEM: true, Header: bundle.Header{Tool: "test", Started: captured}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// contents reads a bundle back: content by path, links resolved.
func contents(t testing.TB, name string) (map[string]string, map[string]string, []bundle.Problem) {
	t.Helper()
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	files, links := map[string]string{}, map[string]string{}
	err = r.Walk(context.Background(), func(f bundle.File) error {
		if f.Link != "" {
			links[f.Path] = f.Link
			files[f.Path] = files[f.Link]
			return nil
		}
		data, err := io.ReadAll(f.Reader)
		files[f.Path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, links, r.Problems()
}

func TestWhatIsWrittenIsReadBackInEveryForm(t *testing.T) {
	for _, ending := range []string{".tgz", ".tar.gz", ".tar.zst", ".tar"} {
		t.Run(ending, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "b"+ending)
			w := create(t, name, false)
			big := strings.Repeat("line of a log\n", 100_000)
			var wg sync.WaitGroup
			for _, path := range []string{"nodes/n/ztunnel/z/log.txt", "istiod/i/log.txt"} {
				wg.Go(func() {
					if _, err := w.Add(context.Background(), bundle.NewEntry{Path: path, ModTime: captured}, strings.NewReader(big)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			w.AddTask(bundle.Task{ID: "ztunnel/log", Status: bundle.StatusOK})
			if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the final name is there before Close: %v", err)
			}
			if err := w.Close(bundle.Final{Complete: true, Captured: captured, ClockSource: "api-server"}); err != nil {
				t.Fatal(err)
			}
			files, _, problems := contents(t, name)
			if len(problems) > 0 || files["istiod/i/log.txt"] != big || files["nodes/n/ztunnel/z/log.txt"] != big {
				t.Errorf("not what was written; problems %v", problems)
			}
			m, err := bundle.DecodeManifest(strings.NewReader(files[layout.Manifest]))
			if err != nil || !m.Complete || len(m.Tasks) != 1 || len(m.Entries) != 3 || !m.Captured.Equal(captured) {
				t.Errorf("manifest %+v, %v", m, err)
			}
			if h, err := bundle.DecodeHeader(strings.NewReader(files[layout.Header])); err != nil || h.Tool != "test" {
				t.Errorf("header %+v, %v", h, err)
			}
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
			}
			left, _ := os.ReadDir(filepath.Dir(name))
			if len(left) != 1 {
				t.Errorf("files left beside the bundle: %v", left)
			}
		})
	}
}

func TestAnExistingFileIsKeptUnlessForced(t *testing.T) {
	name := filepath.Join(t.TempDir(), "b.tgz")
	if err := os.WriteFile(name, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Create(name, bundle.CreateOptions{}); !errors.Is(err, bundle.ErrExists) {
		t.Errorf("error %v, want ErrExists", err)
	}
	w := create(t, name, true)
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(name); string(data) != "precious" {
		t.Errorf("an aborted bundle replaced the file")
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

func TestZtunnelsInAgreementShareTheirSections(t *testing.T) {
	for _, version := range []string{"1.23.6", "1.24.6", "1.28.9", "1.32-dev"} {
		t.Run(version, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "b.tgz")
			w := create(t, name, false)
			dumps := map[string][]byte{}
			for _, node := range []string{"worker-1", "worker-2"} {
				data, err := os.ReadFile("../testdata/ztunnel/" + version + "/healthy/" + node + "/config_dump.json")
				if err != nil {
					t.Fatal(err)
				}
				dumps[node] = data
				if _, err := w.AddConfigDump(context.Background(), layout.Pod{Kind: layout.Ztunnel, Node: node, Name: "z"}.Dir(), "t", captured, bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(bundle.Final{}); err != nil {
				t.Fatal(err)
			}
			files, links, _ := contents(t, name)
			for _, section := range []string{"workloads", "services", "policies"} {
				a := links["nodes/worker-1/ztunnel/z/config_dump/"+section+".json"]
				b := links["nodes/worker-2/ztunnel/z/config_dump/"+section+".json"]
				if a == "" || a != b || !strings.HasPrefix(a, "views/"+section+"-") {
					t.Errorf("%s: links %q and %q, want one view", section, a, b)
				}
			}
			for node, data := range dumps {
				if diff := cmp.Diff(asServed(t, data), reassembled(t, files, "nodes/"+node+"/ztunnel/z/config_dump/")); diff != "" {
					t.Errorf("%s: not what was served (-served +kept):\n%s", node, diff)
				}
			}
		})
	}
}

// asServed is a dump as JSON with what ztunnel prints at random in order.
func asServed(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	order := func(list any, less func(a, b any) int) {
		if l, ok := list.([]any); ok {
			slices.SortFunc(l, less)
		}
	}
	for _, w := range m["workloads"].([]any) {
		order(w.(map[string]any)["services"], func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	order(m["config"].(map[string]any)["illegalPorts"], func(a, b any) int { return int(a.(float64) - b.(float64)) })
	return m
}

func reassembled(t *testing.T, files map[string]string, dir string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for path, content := range files {
		if !strings.HasPrefix(path, dir) {
			continue
		}
		var part map[string]any
		if err := json.Unmarshal([]byte(content), &part); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for k, v := range part {
			all[k] = v
		}
	}
	return all
}

func TestASectionFileHasTheBytesThatWereServed(t *testing.T) {
	data, err := os.ReadFile("../testdata/ztunnel/1.28.9/rich_config/worker-1/config_dump.json")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "b.tar")
	w := create(t, name, false)
	if _, err := w.AddConfigDump(context.Background(), "d", "t", captured, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(bundle.Final{}); err != nil {
		t.Fatal(err)
	}
	files, _, _ := contents(t, name)
	for _, section := range []string{"certificates", "policies", "services", "stagedServices", "version", "workloadState"} {
		text := strings.TrimSuffix(strings.TrimPrefix(files["d/config_dump/"+section+".json"], "{\n"), "\n}\n")
		if text == "" || !bytes.Contains(data, []byte(text)) {
			t.Errorf("%s is not byte for byte what was served", section)
		}
	}
}

func TestABrokenDumpKeepsWhatStandsBeforeTheBreak(t *testing.T) {
	name := filepath.Join(t.TempDir(), "b.tar")
	w := create(t, name, false)
	entries, err := w.AddConfigDump(context.Background(), "d", "t", captured, strings.NewReader(`{"version":{"a":1},"workloads":[{"uid":"u"},{"uid":`))
	if err == nil || !strings.Contains(err.Error(), "section workloads") {
		t.Errorf("error %v, want one that names the section", err)
	}
	if len(entries) != 1 || entries[0].Path != "d/config_dump/version.json" {
		t.Errorf("entries %+v", entries)
	}
	if _, err := w.AddConfigDump(context.Background(), "e", "t", captured, strings.NewReader(`<html>`)); !errors.Is(err, view.ErrNotJSON) {
		t.Errorf("error %v, want ErrNotJSON", err)
	}
	if err := w.Close(bundle.Final{}); err != nil {
		t.Fatal(err)
	}
	if files, _, problems := contents(t, name); files["d/config_dump/workloads.json"] != "" || len(problems) > 0 {
		t.Errorf("files %v, problems %v", files, problems)
	}
}

func TestConfigHeadersNeverEnter(t *testing.T) {
	name := filepath.Join(t.TempDir(), "b.tar")
	w := create(t, name, false)
	dump := `{"config":{"illegalPorts":[15008,15001],"xdsHeaders":[["authorization","Bearer s3cret"]],"caHeaders":[]}}`
	if _, err := w.AddConfigDump(context.Background(), "d", "t", captured, strings.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(bundle.Final{}); err != nil {
		t.Fatal(err)
	}
	files, _, _ := contents(t, name)
	want := "{\n  \"config\": {\"illegalPorts\":[15001,15008],\"xdsHeaders\":[\"[redacted]\"],\"caHeaders\":[]}\n}\n"
	if diff := cmp.Diff(want, files["d/config_dump/config.json"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADuplicatePathIsRefused(t *testing.T) {
	w := create(t, filepath.Join(t.TempDir(), "b.tar"), false)
	defer w.Abort()
	for i, want := range []bool{true, false} {
		_, err := w.Add(context.Background(), bundle.NewEntry{Path: "a/b.txt"}, strings.NewReader("x"))
		if (err == nil) != want {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	if _, err := w.Add(context.Background(), bundle.NewEntry{Path: "../x"}, strings.NewReader("x")); err == nil {
		t.Error("a path out of the bundle was taken")
	}
}

func TestACancelledEntryIsNotWritten(t *testing.T) {
	w := create(t, filepath.Join(t.TempDir(), "b.tar"), false)
	defer w.Abort()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.Add(ctx, bundle.NewEntry{Path: "a"}, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancellation", err)
	}
}
