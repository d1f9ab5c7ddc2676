package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
)

// Verification is what came of checking every entry against the manifest.
type Verification struct {
	Entries  int    // that are as the manifest says
	Manifest string // its SHA-256: whoever made the bundle can confirm it
	Missing  []string
	Changed  []string
	Added    []string
	Problems []Problem
}

// OK is true of a bundle that is what was written.
func (v *Verification) OK() bool {
	damaged := slices.ContainsFunc(v.Problems, func(p Problem) bool { return !p.Repaired })
	return len(v.Missing)+len(v.Changed)+len(v.Added) == 0 && !damaged
}

// ErrNoManifest is returned for a bundle that was cut off before its end.
var ErrNoManifest = errors.New("there is no manifest: the bundle was cut off, or was not written by zbundle")

// Verify checks the content of every entry against the manifest.
func (r *Reader) Verify(ctx context.Context) (*Verification, error) {
	found := map[string]Entry{}
	var m *Manifest
	v := &Verification{}
	err := r.walk(ctx, func(f File) error {
		e := Entry{Path: f.Path, Link: f.Link}
		if f.Reader == nil {
			e.SHA256, e.Bytes = found[f.Link].SHA256, found[f.Link].Bytes
			found[f.Path] = e
			return nil
		}
		var text bytes.Buffer
		hash := sha256.New()
		var to io.Writer = hash
		if f.Path == layout.Manifest {
			to = io.MultiWriter(hash, &limitedBuffer{&text, maxManifest})
		}
		n, err := io.Copy(to, contextReader{ctx, f.Reader})
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			v.Problems = append(v.Problems, Problem{Path: f.Path, Text: err.Error()})
		}
		e.SHA256, e.Bytes = hex.EncodeToString(hash.Sum(nil)), n
		if f.Path == layout.Manifest {
			v.Manifest = e.SHA256
			m, err = DecodeManifest(&manifestRepair{r: &text, repaired: r.manifestRepaired})
			return err
		}
		found[f.Path] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", r.name, err)
	}
	if m == nil {
		return nil, fmt.Errorf("verify %s: %w", r.name, ErrNoManifest)
	}
	v.Problems = append(v.Problems, r.Problems()...)
	v.compare(m, found)
	return v, nil
}

func (v *Verification) compare(m *Manifest, found map[string]Entry) {
	for _, want := range m.Entries {
		got, ok := found[want.Path]
		delete(found, want.Path)
		switch {
		case !ok:
			v.Missing = append(v.Missing, want.Path)
		case got.SHA256 != want.SHA256 || got.Bytes != want.Bytes:
			v.Changed = append(v.Changed, want.Path)
		default:
			v.Entries++
		}
	}
	for path := range found {
		v.Added = append(v.Added, path)
	}
	slices.Sort(v.Added)
}

// limitedBuffer takes no more than what a manifest may have, and drops the rest.
type limitedBuffer struct {
	b    *bytes.Buffer
	left int64
}

func (l *limitedBuffer) Write(p []byte) (int, error) {
	take := min(int64(len(p)), l.left)
	l.left -= take
	l.b.Write(p[:take])
	return len(p), nil
}
