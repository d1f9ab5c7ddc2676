package bundle_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/view"
)

func FuzzManifest(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := bundle.DecodeManifest(bytes.NewReader(data))
		if err == nil && m.Format != bundle.FormatVersion {
			t.Errorf("format %d was taken", m.Format)
		}
		if m != nil && len(m.Tasks)+len(m.Entries)+len(m.Dumps)+len(m.Discovery) > len(data) {
			t.Errorf("more than %d bytes hold", len(data))
		}
		if h, err := bundle.DecodeHeader(bytes.NewReader(data)); err == nil && h.Format != bundle.FormatVersion {
			t.Errorf("format %d was taken", h.Format)
		}
		d, err := view.ReadDelta(bytes.NewReader(data))
		if err != nil {
			return
		}
		if d.Len() > len(data) {
			t.Errorf("a delta of %d items in %d bytes", d.Len(), len(data))
		}
		var again bytes.Buffer
		if err := d.Encode(&again); err != nil {
			t.Fatal(err)
		}
		if e, err := view.ReadDelta(&again); err == nil && e.Len() != d.Len() {
			t.Errorf("encoded anew it has %d items, not %d", e.Len(), d.Len())
		}
	})
}

// walked reads all of a bundle, and holds every path to its form. It returns
// how much it gave.
func walked(t *testing.T, name string) (paths []string, size int64, problems []bundle.Problem) {
	t.Helper()
	r, err := bundle.Open(name)
	if err != nil {
		return nil, 0, nil
	}
	seen := map[string]bool{}
	err = r.Walk(context.Background(), func(f bundle.File) error {
		if !fs.ValidPath(f.Path) || f.Path == "." {
			t.Errorf("invalid path %q", f.Path)
		}
		if f.Link != "" && !seen[f.Link] {
			t.Errorf("%q is a link to %q, which was not there before", f.Path, f.Link)
		}
		if seen[f.Path] {
			t.Errorf("%q comes twice", f.Path)
		}
		seen[f.Path] = true
		paths = append(paths, f.Path)
		if f.Reader == nil {
			return nil
		}
		n, _ := io.Copy(io.Discard, f.Reader) // a broken end is a problem of the walk
		if size += n; n > f.Size {
			t.Errorf("%q has %d bytes and not %d", f.Path, n, f.Size)
		}
		return nil
	})
	if err != nil && len(paths) > 0 {
		t.Errorf("after %d entries: %v", len(paths), err)
	}
	return paths, size, r.Problems()
}

func FuzzReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "bundle")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths, size, _ := walked(t, name)
		if len(paths) > len(data) || size > 2000*int64(len(data)) {
			t.Errorf("%d entries and %d bytes of %d bytes", len(paths), size, len(data))
		}
	})
}
