package bundle_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/pseudonym"
)

// A password in a log is counted in the manifest under a name that looks like one's.
func leaky(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "b.tar")
	w := create(t, name, false)
	if _, err := w.Add(t.Context(), bundle.NewEntry{Path: "istiod/i/log.txt", ModTime: captured}, strings.NewReader("password=hunter2\n")); err != nil {
		t.Fatal(err)
	}
	w.AddTask(bundle.Task{ID: "istiod/log", Status: bundle.StatusFailed, Reason: "dial https://u:pa55@istiod: refused", Entries: []string{"istiod/i/log.txt"}})
	if err := w.Close(bundle.Final{Complete: true, Captured: captured, ClockSource: "api-server"}); err != nil {
		t.Fatal(err)
	}
	return name
}

func manifestOf(t *testing.T, r *bundle.Reader) *bundle.Manifest {
	t.Helper()
	var text bytes.Buffer
	if _, err := r.Cat(t.Context(), layout.Manifest, &text); err != nil {
		t.Fatal(err)
	}
	m, err := bundle.DecodeManifest(&text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheManifestIsScannedByItsFreeTextOnly(t *testing.T) {
	r, err := bundle.Open(leaky(t))
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, r)
	if diff := cmp.Diff(map[string]int{"leaked password": 2}, m.Redactions); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("dial https://[redacted password]@istiod: refused", m.Tasks[0].Reason); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
	if p := r.Problems(); len(p) > 0 {
		t.Errorf("problems %v", p)
	}
}

// broken is a folder with a bundle as early versions wrote it.
func broken(t *testing.T) string {
	t.Helper()
	files, _, _ := contents(t, leaky(t))
	dir := t.TempDir()
	for path, text := range files {
		if path == layout.Manifest {
			text = strings.Replace(text, `"leaked password": 2`, `"leaked password": [redacted password]`, 1)
		}
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAManifestThatTheLeakScanBrokeIsRead(t *testing.T) {
	r, err := bundle.Open(broken(t))
	if err != nil {
		t.Fatal(err)
	}
	repaired := func(what string) {
		t.Helper()
		if p := r.Problems(); len(p) != 1 || p[0].Path != layout.Manifest || !p[0].Repaired {
			t.Errorf("%s: problems %v", what, p)
		}
	}
	if m := manifestOf(t, r); m.Redactions["leaked password"] != 1 || len(m.Tasks) != 1 {
		t.Errorf("manifest %+v", m)
	}
	repaired("cat")
	v, err := r.Verify(t.Context())
	if err != nil || !v.OK() || v.Entries != 2 || len(v.Problems) != 1 {
		t.Errorf("verified as %+v, %v", v, err)
	}
	repaired("verify")
	name := filepath.Join(t.TempDir(), "anonymous.tgz")
	if _, err := pseudonym.Rewrite(t.Context(), r, name, name+".names.json", bundle.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	repaired("anonymize")
	if _, _, problems := contents(t, name); len(problems) > 0 {
		t.Errorf("the bundle that came of it: %v", problems)
	}
}

func TestAManifestIsRepairedWhereverItsReadsEnd(t *testing.T) {
	const broken, repaired = "\"leaked password\": [redacted password],\n", "\"leaked password\": 1,\n"
	dir := t.TempDir()
	for cut := range len(broken) + 1 {
		head := "{\n" + strings.Repeat(" ", 32<<10-2-cut)
		if err := os.WriteFile(filepath.Join(dir, layout.Manifest), []byte(head+broken+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := bundle.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Walk(t.Context(), func(f bundle.File) error {
			got, err := io.ReadAll(f.Reader)
			if string(got) != head+repaired+"}\n" {
				t.Errorf("cut after %d bytes it is %q", cut, got[len(head):])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
