package bundle

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/layout"
)

// shared are the sections that ztunnels in step with each other have in common.
var shared = []string{"policies", "services", "workloads"}

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
	split := &dumpSplitter{dec: jsontext.NewDecoder(contextReader{ctx, r}, decodeOptions()...), keepPEM: w.keepPEM, clean: &w.clean}
	d := &SpooledDump{w: w, dir: dir, entry: NewEntry{Task: task, ModTime: mod}}
	err := split.each(func(section string) error {
		s := newSpool(w.dir)
		index, err := split.copySection(s, section)
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
	d.whole, d.withheld = true, split.withheld
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
	index *items
}

// Keep puts the sections into the archive.
func (d *SpooledDump) Keep() ([]Entry, error) {
	defer d.Drop()
	whole, sections := newWholeDump(layout.ConfigDump(d.dir)), layout.SectionsDir(d.dir)
	var entries []Entry
	for _, section := range d.sections {
		e := d.entry
		e.Path = layout.Section(sections, section.name)
		var entry Entry
		var err error
		if slices.Contains(shared, section.name) {
			entry, err = d.w.addView(section.name, e, section.spool, section.index)
		} else {
			entry, err = d.w.addSpool(e, section.spool)
		}
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry)
		if err := whole.add(section.name, section.spool); err != nil {
			return entries, err
		}
	}
	if d.whole {
		d.w.addDump(whole.end(d.withheld))
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

// ErrNotJSON is returned for an answer that is no JSON object at all.
var ErrNotJSON = errors.New("the answer is not a JSON object")

type dumpSplitter struct {
	dec     *jsontext.Decoder
	keepPEM bool
	clean   *cleanItems // nil but for dumps
	// withheld names what was taken out of the dump.
	withheld []string
}

// canonical puts a value into the form that is stored, and notes what that leaves out.
func (d *dumpSplitter) canonical(section string, v jsontext.Value) []byte {
	out, withheld := canonical(section, v, d.keepPEM)
	if withheld != "" && !slices.Contains(d.withheld, withheld) {
		d.withheld = append(d.withheld, withheld)
	}
	return out
}

func decodeOptions() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

func (d *dumpSplitter) each(fn func(section string) error) error {
	if kind := d.dec.PeekKind(); kind != '{' {
		if _, err := d.dec.ReadToken(); err != nil && !isSyntax(err) {
			return err
		}
		return ErrNotJSON
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() == '"' {
		token, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := fn(token.String()); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

func isSyntax(err error) bool {
	var syntax *jsontext.SyntacticError
	return errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// copySection writes {"<section>": <value>}. Lists go element by element, so
// that no more than one workload is in memory, in the indentation that
// ztunnel prints them in; everything else goes as it was served. What it
// returns is the index of a list that ztunnels share.
func (d *dumpSplitter) copySection(w io.Writer, section string) (*items, error) {
	return d.copyMember(w, section, slices.Contains(shared, section))
}

// copyList writes any list as copySection does one that ztunnels share.
func (d *dumpSplitter) copyList(w io.Writer, section string) (*items, error) {
	return d.copyMember(w, section, true)
}

func (d *dumpSplitter) copyMember(w io.Writer, section string, indexed bool) (*items, error) {
	name, err := jsontext.AppendQuote(nil, section)
	if err != nil {
		return nil, err
	}
	out := &stickyWriter{w: w}
	out.write(sectionHead(name))
	var index *items
	switch kind := d.dec.PeekKind(); {
	case kind == '[' || kind == '{' && slices.Contains(shared, section):
		index = &items{list: kind == '[', indexed: indexed}
		err = d.copyElements(out, section, index)
	default:
		var v jsontext.Value
		if v, err = d.dec.ReadValue(); err == nil {
			out.bytes(d.canonical(section, v))
		}
	}
	out.write(sectionTail)
	return index, errors.Join(err, out.err)
}

// A section's file is its value between these two.
func sectionHead(quoted []byte) string { return "{\n  " + string(quoted) + ": " }

const sectionTail = "\n}\n"

func (d *dumpSplitter) copyElements(out *stickyWriter, section string, index *items) error {
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	list := &listWriter{out: out, list: index.list}
	list.open()
	for {
		if kind := d.dec.PeekKind(); kind == ']' || kind == '}' {
			list.close()
			_, err := d.dec.ReadToken()
			return err
		}
		var key jsontext.Value
		if !index.list {
			k, err := d.dec.ReadValue()
			if err != nil {
				return err
			}
			key = bytes.Clone(k)
		}
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		if index.list && index.indexed {
			item, hash, clean := d.sharedItem(section, v)
			start := list.begin(nil)
			if clean {
				out.clean(item)
			} else {
				out.bytes(item)
			}
			index.add(hash, start, out.n)
		} else {
			list.item(key, d.canonical(section, v))
		}
		if out.err != nil {
			return out.err
		}
	}
}

// listWriter writes a list's elements as ztunnel indents them.
type listWriter struct {
	out  *stickyWriter
	list bool // else a map
	n    int
}

func (l *listWriter) open() {
	if l.list {
		l.out.write("[")
	} else {
		l.out.write("{")
	}
}

// item writes one element.
func (l *listWriter) item(key, item []byte) {
	l.begin(key)
	l.out.bytes(item)
}

// begin writes what stands before an element and returns where in the output that begins.
func (l *listWriter) begin(key []byte) (start int64) {
	if l.n > 0 {
		l.out.write(",")
	}
	l.n++
	l.out.write("\n    ")
	if !l.list {
		l.out.bytes(key)
		l.out.write(": ")
	}
	return l.out.n
}

func (l *listWriter) close() {
	if l.n > 0 {
		l.out.write("\n  ")
	}
	if l.list {
		l.out.write("]")
	} else {
		l.out.write("}")
	}
}

// stickyWriter keeps the first error, so that a run of writes is checked once.
type stickyWriter struct {
	w   io.Writer
	n   int64
	err error
}

func (s *stickyWriter) bytes(b []byte) { s.to(s.w.Write, b) }

// clean writes what needs no leak scan, where there is one.
func (s *stickyWriter) clean(b []byte) {
	if to, ok := s.w.(*spool); ok {
		s.to(to.writeClean, b)
	} else {
		s.bytes(b)
	}
}

func (s *stickyWriter) to(write func([]byte) (int, error), b []byte) {
	if s.err == nil {
		_, s.err = write(b)
		s.n += int64(len(b))
	}
}

func (s *stickyWriter) write(text string) { s.bytes([]byte(text)) }
