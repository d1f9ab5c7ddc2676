package bundle

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// AddConfigDump writes a ztunnel's config dump. Of one that breaks off, the
// sections before the break are kept, and the error says where it broke.
func (w *Writer) AddConfigDump(ctx context.Context, dir, task string, mod time.Time, r io.Reader) ([]Entry, error) {
	d, err := w.SpoolConfigDump(ctx, dir, task, mod, r)
	entries, errKeep := d.Keep()
	return entries, cmp.Or(errKeep, err)
}

// SpoolConfigDump splits a ztunnel's config dump as it streams by into one
// entry for each top-level key, <dir>/config_dump/<key>.json. Each is a valid
// partial dump in canonical form; sections that ztunnels share are stored
// once as a view, and else as what is different from one. The manifest holds
// the hash of the whole. The error says where a dump broke off; the sections
// before that can be kept, or dropped for another attempt.
func (w *Writer) SpoolConfigDump(ctx context.Context, dir, task string, mod time.Time, r io.Reader) (*SpooledDump, error) {
	split := view.NewSplitter(rawjson.NewDecoder(contextReader{ctx, r}), view.Options{KeepPEM: w.keepPEM, Clean: &w.clean})
	d := &SpooledDump{w: w, dir: dir, entry: NewEntry{Task: task, ModTime: mod}}
	err := split.Each(func(section string) error {
		s := newSpool(w.dir)
		index, err := split.CopySection(s, section)
		if err != nil {
			s.close()
			return fmt.Errorf("section %s: %w", section, err)
		}
		d.sections = append(d.sections, spooledSection{section, s, index})
		return nil
	})
	if err != nil {
		return d, fmt.Errorf("config dump: %w", err)
	}
	d.whole, d.withheld = true, split.Withheld()
	return d, nil
}

// SpooledDump is a config dump that was read, as far as it came.
type SpooledDump struct {
	w        *Writer
	dir      string
	entry    NewEntry
	sections []spooledSection
	whole    bool
	withheld []string
}

type spooledSection struct {
	name  string
	spool *spool
	index *view.Index
}

// Keep puts the sections into the archive.
func (d *SpooledDump) Keep() ([]Entry, error) {
	defer d.Drop()
	whole, sections := view.NewDumpHash(layout.ConfigDump(d.dir)), layout.SectionsDir(d.dir)
	var entries []Entry
	for _, section := range d.sections {
		e := d.entry
		e.Path = layout.Section(sections, section.name)
		var entry Entry
		var err error
		if slices.Contains(view.Shared, section.name) {
			entry, err = d.w.addShared(section.name, e, section.spool, section.index)
		} else {
			entry, err = d.w.addSpool(e, section.spool)
		}
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry)
		if err := whole.Add(section.name, section.spool.reader(), section.spool.size); err != nil {
			return entries, err
		}
	}
	if d.whole {
		d.w.addDump(whole.End(d.withheld))
	}
	return entries, nil
}

// Drop forgets the dump.
func (d *SpooledDump) Drop() {
	for _, section := range d.sections {
		section.spool.close()
	}
	d.sections = nil
}
