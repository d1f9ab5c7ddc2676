package bundle_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

// shardOf writes one shard: dumps by the number of their node.
func shardOf(t *testing.T, index, of int, dumps map[int][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), fmt.Sprintf("shard-%d.tgz", index))
	w, err := bundle.Create(name, bundle.CreateOptions{Header: bundle.Header{Started: captured, Shard: &bundle.Shard{Index: index, Of: of}}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if dump, ok := dumps[n]; ok {
			if _, err := w.AddConfigDump(context.Background(), dirOf(n), "ztunnel/config_dump", captured, bytes.NewReader(dump)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(bundle.Final{Complete: true, Captured: captured.Add(time.Duration(index) * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	return name
}

func merge(t *testing.T, names ...string) (string, *bundle.Merged, error) {
	t.Helper()
	var shards []*bundle.Reader
	for _, name := range names {
		r, err := bundle.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, r)
	}
	name := filepath.Join(t.TempDir(), "merged.tgz")
	m, err := bundle.Merge(context.Background(), shards, name, bundle.CreateOptions{})
	return name, m, err
}

// TestShardsAreSharedAnew merges shards whose first ztunnels, the views of
// each, differ: in one bundle they are differences from one view.
func TestShardsAreSharedAnew(t *testing.T) {
	without := func(gone ...int) []byte {
		return workloads(100, func(i int, w string) string {
			for n, g := range gone {
				if i == g && n%2 == 0 {
					return ""
				} else if i == g {
					return strings.Replace(w, `"a"`, `"b"`, 1)
				}
			}
			return w
		})
	}
	dumps := map[int][]byte{
		0: without(1), 1: without(2, 3), // the first shard's
		2: without(4), 3: without(5, 6), 4: without(4), 5: without(1), // a view, a delta of it, equal to it, equal to the other shard's
		6: workloads(100, func(_ int, w string) string { return strings.Replace(w, "/w", "/x", 1) }), // another altogether
	}
	first, second := map[int][]byte{0: dumps[0], 1: dumps[1]}, map[int][]byte{}
	for n := 2; n < len(dumps); n++ {
		second[n] = dumps[n]
	}
	name, m, err := merge(t, shardOf(t, 1, 2, second), shardOf(t, 0, 2, first))
	if err != nil || !m.Complete || len(m.Problems) > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	for n, dump := range dumps {
		if got, _ := cat(t, name, dirOf(n)+"/config_dump.json"); got != string(dump) {
			t.Errorf("node %d: not what was served:\n%s", n, cmp.Diff(string(dump), got))
		}
	}
	views := 0
	man := manifest(t, name)
	for _, e := range man.Entries {
		if strings.HasPrefix(e.Path, "views/") {
			views++
		}
	}
	if views != 2 || len(man.Dumps) != len(dumps) || !man.Captured.Equal(captured) {
		t.Errorf("%d views, %d dumps, captured %s", views, len(man.Dumps), man.Captured)
	}
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.Verify(context.Background()); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestWhatIsNoCollectionIsNotMerged(t *testing.T) {
	dump := map[int][]byte{0: workloads(3, nil)}
	whole := made(t, bundle.CreateOptions{}, dump[0])
	for _, test := range []struct {
		name   string
		shards []string
		want   string
	}{
		{"a bundle that is no shard", []string{whole}, "it is not a shard"},
		{"one shard twice", []string{shardOf(t, 0, 2, dump), shardOf(t, 0, 2, dump)}, "are both shard 0/2"},
		{"shards of two splits", []string{shardOf(t, 0, 2, dump), shardOf(t, 1, 3, dump)}, "not parts of one collection"},
		{"no bundle", []string{stored(t, gzipOf(t, tarOf(t, file("x/a.txt", "a"))))}, "it is not a bundle"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name, _, err := merge(t, test.shards...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a file was left: %v", err)
			}
		})
	}
}

// TestADamagedShardIsSaidToBe merges what no collector wrote: the rest is kept, and the bundle tells.
func TestADamagedShardIsSaidToBe(t *testing.T) {
	header := file("s/zbundle.json", `{"format":1,"cluster":{},"started":"`+captured.Format(time.RFC3339)+`","shard":{"index":1,"of":2}}`)
	good := shardOf(t, 0, 2, map[int][]byte{0: workloads(3, nil)})
	view := "views/workloads-0123456789abcdef.json"
	section := `{"workloads":[{"uid":"a"}]}`
	delta := func(sum string) string {
		return `{"view":"` + view + `","sha256":"` + sum + `","bytes":1,"missing":[],"changed":[],"extra":[{"at":9,"key":"","item":1}]}`
	}
	for _, test := range []struct {
		name    string
		members []member
		want    string
	}{
		{"no manifest", nil, "shard 1/2 was cut off"},
		{"a broken manifest", []member{file("s/manifest.json", "{")}, "read the bundle's manifest"},
		{"an entry of another shard", []member{file("s/"+dirOf(0)+"/config_dump/version.json", "{}")}, "an earlier shard holds it too"},
		{"a link to what is no view", []member{file("s/a.txt", "a"), link("s/b.txt", "s/a.txt")}, "which is no view"},
		{"a delta without its view", []member{file("s/"+dirOf(1)+"/config_dump/workloads.delta.json", delta(strings.Repeat("0", 64)))}, "which is no view that could be read"},
		{"a view by a wrong name", []member{
			file("s/"+view, section), link("s/"+dirOf(1)+"/config_dump/workloads.json", "s/"+view),
			file("s/"+dirOf(2)+"/config_dump/workloads.delta.json", delta(strings.Repeat("0", 64))),
		}, "is not that of its content"},
		{"a delta without a hash", []member{file("s/"+view, section), file("s/"+dirOf(1)+"/config_dump/workloads.delta.json", delta("0"))}, "invalid sha256"},
		{"an entry that the manifest does not know", []member{
			file("s/b.txt", ""), file("s/manifest.json", `{"format":1,"complete":true,"entries":[{"path":"c.txt","sha256":"","bytes":0}]}`),
		}, "it was added since"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := stored(t, gzipOf(t, tarOf(t, append([]member{header}, test.members...)...)))
			name, m, err := merge(t, good, bad)
			if err != nil {
				t.Fatal(err)
			}
			told := fmt.Sprint(m.Incomplete, m.Problems)
			if m.Complete || !strings.Contains(told, test.want) {
				t.Errorf("complete %t: %s", m.Complete, told)
			}
			if got, _ := cat(t, name, dirOf(0)+"/config_dump.json"); got != string(workloads(3, nil)) {
				t.Errorf("the good shard's dump is %s", got)
			}
			if man := manifest(t, name); man.Complete {
				t.Error("the manifest calls it complete")
			}
		})
	}
}

func FuzzMergeOfAnyShard(f *testing.F) {
	header := `{"format":1,"cluster":{},"started":"2026-11-23T07:00:00Z","shard":{"index":1,"of":2}}`
	f.Add([]byte(`{"workloads":[{"uid":"a"}]}`), []byte(`{"view":"views/workloads-a.json","sha256":"","extra":[{"at":0,"item":1}]}`), []byte("{}"))
	f.Fuzz(func(t *testing.T, view, delta, manifest []byte) {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, m := range []member{
			file("s/zbundle.json", header), file("s/views/workloads-a.json", string(view)), link("s/n/config_dump/workloads.json", "s/views/workloads-a.json"),
			file("s/m/config_dump/workloads.delta.json", string(delta)), file("s/manifest.json", string(manifest)),
		} {
			if err := errors.Join(w.WriteHeader(&m.header), writeAll(w, m.content)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := bundle.OpenStream(&out)
		if err != nil {
			t.Fatal(err)
		}
		var merged bytes.Buffer
		if _, err := bundle.Merge(context.Background(), []*bundle.Reader{r}, bundle.Stdout, bundle.CreateOptions{Stdout: &merged}); err != nil {
			return
		}
		name := filepath.Join(t.TempDir(), "merged.tgz")
		if err := os.WriteFile(name, merged.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		walked(t, name)
	})
}

func writeAll(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
