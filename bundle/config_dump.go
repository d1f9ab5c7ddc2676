package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// shared are the sections that ztunnels in step with each other have in common.
var shared = []string{"policies", "services", "workloads"}

// AddConfigDump splits a ztunnel's config dump as it streams by into one
// entry for each top-level key, <dir>/config_dump/<key>.json. Each is a valid
// partial dump in canonical form; sections that ztunnels share are stored
// once as a view. Of a dump that breaks off, the sections before the break
// are kept, and the error says where it broke.
func (w *Writer) AddConfigDump(ctx context.Context, dir, task string, mod time.Time, r io.Reader) ([]Entry, error) {
	split := &dumpSplitter{dec: jsontext.NewDecoder(contextReader{ctx, r}, decodeOptions()...)}
	var entries []Entry
	err := split.each(func(section string) error {
		e := NewEntry{Path: path.Join(dir, "config_dump", safe(section)+".json"), Task: task, ModTime: mod}
		s := newSpool(w.dir)
		defer s.close()
		if err := split.copySection(s, section); err != nil {
			return fmt.Errorf("section %s: %w", section, err)
		}
		var entry Entry
		var err error
		if slices.Contains(shared, section) {
			entry, err = w.addView(section, e, s)
		} else {
			entry, err = w.addSpool(e, s)
		}
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		return nil
	})
	if err != nil {
		return entries, fmt.Errorf("config dump: %w", err)
	}
	return entries, nil
}

// ErrNotJSON is returned for an answer that is no JSON object at all.
var ErrNotJSON = errors.New("the answer is not a JSON object")

type dumpSplitter struct{ dec *jsontext.Decoder }

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
// ztunnel prints them in; everything else goes as it was served.
func (d *dumpSplitter) copySection(w io.Writer, section string) error {
	name, err := jsontext.AppendQuote(nil, section)
	if err != nil {
		return err
	}
	out := &stickyWriter{w: w}
	out.write("{\n  ")
	out.bytes(name)
	out.write(": ")
	switch kind := d.dec.PeekKind(); {
	case kind == '[' || kind == '{' && slices.Contains(shared, section):
		err = d.copyElements(out, section, kind)
	default:
		var v jsontext.Value
		if v, err = d.dec.ReadValue(); err == nil {
			out.bytes(canonical(section, v))
		}
	}
	out.write("\n}\n")
	return errors.Join(err, out.err)
}

func (d *dumpSplitter) copyElements(out *stickyWriter, section string, open jsontext.Kind) error {
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	closing := "]"
	if open == '{' {
		closing = "}"
	}
	out.write(string(rune(open)))
	for n := 0; ; n++ {
		if kind := d.dec.PeekKind(); kind == ']' || kind == '}' {
			if n > 0 {
				out.write("\n  ")
			}
			out.write(closing)
			_, err := d.dec.ReadToken()
			return err
		}
		if n > 0 {
			out.write(",")
		}
		out.write("\n    ")
		if open == '{' {
			key, err := d.dec.ReadValue()
			if err != nil {
				return err
			}
			out.bytes(key)
			out.write(": ")
		}
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		out.bytes(canonical(section, v))
		if out.err != nil {
			return out.err
		}
	}
}

// stickyWriter keeps the first error, so that a run of writes is checked once.
type stickyWriter struct {
	w   io.Writer
	err error
}

func (s *stickyWriter) bytes(b []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
}

func (s *stickyWriter) write(text string) { s.bytes([]byte(text)) }
