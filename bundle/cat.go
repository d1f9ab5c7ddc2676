package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
)

// ErrNoEntry is returned for a path that a bundle does not hold.
var ErrNoEntry = errors.New("the bundle holds no such entry")

// Cat writes one entry of the bundle to w, links and deltas resolved. Two
// kinds of path are no entries and are reconstructed: a section that is held
// as a delta, and a ztunnel's whole <dir>/config_dump.json. What was served
// and is not in the bundle is returned as withheld.
func (r *Reader) Cat(ctx context.Context, name string, w io.Writer) (withheld []string, err error) {
	name = path.Clean(name)
	if dir, ok := layout.DumpDir(name); ok {
		return r.catDump(ctx, name, dir, w)
	}
	c := newCatalog(func(p string) bool { return p == name || p == layout.Delta(name) })
	defer c.close()
	if err := c.read(ctx, r); err != nil {
		return nil, err
	}
	s, err := c.section(name)
	if err != nil {
		return nil, err
	}
	return nil, s.copyTo(w)
}

func (r *Reader) catDump(ctx context.Context, name, dir string, w io.Writer) ([]string, error) {
	sections := layout.SectionsDir(dir)
	c := newCatalog(func(p string) bool { return path.Dir(p) == sections || p == layout.Manifest || p == name })
	defer c.close()
	if err := c.read(ctx, r); err != nil {
		return nil, err
	}
	if s := c.held[name]; s != nil { // a bundle of another maker
		return nil, s.copyTo(w)
	}
	dump, err := c.dump(name, sections)
	if err != nil {
		return nil, err
	}
	for n, section := range dump.Sections {
		file := layout.Section(sections, section)
		s, err := c.section(file)
		if err != nil {
			return nil, err
		}
		if err := view.JoinSection(w, n, section, s.reader(), s.size); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	_, err = io.WriteString(w, view.JoinEnd(len(dump.Sections)))
	return dump.Withheld, err
}

// catalog holds the entries that are wanted, and the views that these rest on.
type catalog struct {
	want  func(path string) bool
	held  map[string]*spool
	links map[string]string
}

func newCatalog(want func(string) bool) *catalog {
	return &catalog{want: want, held: map[string]*spool{}, links: map[string]string{}}
}

func (c *catalog) close() {
	for _, s := range c.held {
		s.close()
	}
}

// read walks the bundle for what is wanted, and once more for the views:
// they stand before what rests on them.
func (c *catalog) read(ctx context.Context, r *Reader) error {
	if err := c.walk(ctx, r, c.want); err != nil {
		return err
	}
	views := map[string]bool{}
	for _, to := range c.links {
		views[to] = c.held[to] == nil
	}
	for name, s := range c.held {
		if !layout.IsDelta(name) {
			continue
		}
		d, err := view.ReadDelta(s.reader())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		views[d.View] = c.held[d.View] == nil
	}
	if len(views) == 0 {
		return nil
	}
	return c.walk(ctx, r, func(p string) bool { return views[p] })
}

func (c *catalog) walk(ctx context.Context, r *Reader, want func(string) bool) error {
	return r.Walk(ctx, func(f File) error {
		switch {
		case !want(f.Path):
			return nil
		case f.Link != "":
			c.links[f.Path] = f.Link
			if f.Reader == nil {
				return nil
			}
		}
		s := newUnscannedSpool(os.TempDir())
		c.held[f.Path] = s
		if _, err := io.Copy(s, contextReader{ctx, f.Reader}); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		return nil
	})
}

// section gives a section's or any other entry's file.
func (c *catalog) section(name string) (*spool, error) {
	if s := c.held[name]; s != nil {
		return s, nil
	}
	if to, ok := c.links[name]; ok {
		if s := c.held[to]; s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("%s: it is a link to %s: %w", name, to, ErrNoEntry)
	}
	s := c.held[layout.Delta(name)]
	if s == nil {
		return nil, fmt.Errorf("%s: %w", name, ErrNoEntry)
	}
	d, err := view.ReadDelta(s.reader())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layout.Delta(name), err)
	}
	base := c.held[d.View]
	if base == nil {
		return nil, fmt.Errorf("%s: it rests on %s: %w", name, d.View, ErrNoEntry)
	}
	out := newUnscannedSpool(os.TempDir())
	c.held[name] = out
	if err := d.Apply(out, base.reader()); err != nil {
		return nil, fmt.Errorf("%s: %w", layout.Delta(name), err)
	}
	return out, nil
}

// dump is the manifest's record of a whole dump. Without a manifest, as in a
// bundle that was cut off, the sections stand in the order of their names.
func (c *catalog) dump(name, sections string) (*view.Dump, error) {
	if s := c.held[layout.Manifest]; s != nil {
		m, err := DecodeManifest(s.reader())
		if err != nil {
			return nil, err
		}
		for _, d := range m.Dumps {
			if d.Path == name {
				return &d, nil
			}
		}
	}
	d := &view.Dump{Path: name}
	for _, names := range []map[string]bool{keysOf(c.held), keysOf(c.links)} {
		for p := range names {
			if path.Dir(p) != sections {
				continue
			}
			if section, _, _ := layout.Parse(p).Section(); !slices.Contains(d.Sections, section) {
				d.Sections = append(d.Sections, section)
			}
		}
	}
	if len(d.Sections) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoEntry)
	}
	slices.Sort(d.Sections)
	d.Withheld = []string{"the sections that the bundle does not hold: its manifest has no whole dump of this ztunnel"}
	return d, nil
}

func keysOf[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for k := range m {
		out[k] = true
	}
	return out
}
