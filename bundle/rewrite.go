package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Rewriter says what becomes of a bundle's entries.
type Rewriter interface {
	// Path is an entry's new path; ok is false for one that is to be left out.
	Path(name string) (other string, ok bool)
	// Copy writes an entry's new content. An error that is not r's or w's own
	// leaves the entry out; lists must keep their elements.
	Copy(w io.Writer, name string, r io.Reader) error
}

// Rewrite adds everything in r to w, but for the header, each entry as t makes
// it: views and deltas stay such. What is left out is noted in the tasks that
// brought it. It returns what w is to be closed with.
func Rewrite(ctx context.Context, r *Reader, w *Writer, t Rewriter) (*Final, error) {
	re := &rewriting{
		w: w, t: t, tasks: map[string]string{}, entries: map[string]string{}, views: map[string]*rewrittenView{}, dumps: map[string]*rewrittenDump{},
		left: map[string]string{},
	}
	defer re.close()
	if err := re.readManifest(ctx, r); err != nil {
		return nil, err
	}
	if err := r.Walk(ctx, func(f File) error { return re.entry(ctx, f) }); err != nil {
		return nil, err
	}
	for _, p := range r.Problems() {
		if p.Repaired {
			continue
		}
		return nil, fmt.Errorf("%s: %s", p.Path, p.Text)
	}
	for _, d := range re.dumps {
		if d.next == len(d.sections) {
			w.addDump(d.whole.End(d.withheld))
		}
	}
	return re.final(), nil
}

type rewriting struct {
	w *Writer
	t Rewriter
	// was and is are the manifest before and after.
	was, is *Manifest
	tasks   map[string]string         // the new manifest's task of an entry, by its old path
	entries map[string]string         // new paths, by old ones
	views   map[string]*rewrittenView // by old path
	dumps   map[string]*rewrittenDump // by old folder of the sections
	left    map[string]string         // why, by old path of what was left out
}

type rewrittenView struct {
	path string
	s    *spool
}

// rewrittenDump follows a config dump whose sections come one by one.
type rewrittenDump struct {
	whole    *view.DumpHash
	sections []string
	withheld []string
	next     int
	early    map[string]dumpSection // sections that wait for their turn, by file
}

func (re *rewriting) close() {
	for _, v := range re.views {
		v.s.close()
	}
	for _, d := range re.dumps {
		for _, s := range d.early {
			s.close()
		}
	}
}

func (re *rewriting) readManifest(ctx context.Context, r *Reader) error {
	c := newCatalog(func(p string) bool { return p == layout.Manifest })
	defer c.close()
	if err := c.read(ctx, r); err != nil {
		return err
	}
	s := c.held[layout.Manifest]
	if s == nil {
		return ErrNoManifest
	}
	var err error
	if re.was, err = DecodeManifest(s.reader()); err != nil {
		return err
	}
	out := newUnscannedSpool(re.w.dir)
	defer out.close()
	if err := re.t.Copy(out, layout.Manifest, s.reader()); err != nil {
		return fmt.Errorf("%s: %w", layout.Manifest, err)
	}
	if re.is, err = DecodeManifest(out.reader()); err != nil {
		return err
	}
	for i, e := range re.was.Entries {
		re.tasks[e.Path] = re.is.Entries[i].Task
	}
	for _, d := range re.was.Dumps {
		to, ok := re.t.Path(d.Path)
		if !ok {
			continue
		}
		dump := &rewrittenDump{whole: view.NewDumpHash(to), sections: d.Sections, withheld: d.Withheld, early: map[string]dumpSection{}}
		if !slices.Contains(d.Withheld, redact.WithheldPEM) && slices.Contains(d.Sections, "certificates") {
			dump.withheld = append(slices.Clone(d.Withheld), redact.WithheldPEM)
		}
		dir, _ := layout.DumpDir(d.Path)
		re.dumps[layout.SectionsDir(dir)] = dump
	}
	return nil
}

// leftOutError is why an entry can't be rewritten.
type leftOutError struct{ reason error }

func (e *leftOutError) Error() string { return "left out: " + e.reason.Error() }
func (e *leftOutError) Unwrap() error { return e.reason }

func (re *rewriting) entry(ctx context.Context, f File) error {
	if f.Path == layout.Header || f.Path == layout.Manifest {
		return nil
	}
	to, ok := re.t.Path(f.Path)
	if !ok {
		re.left[f.Path] = "it is not a known part of a bundle"
		return nil
	}
	e := NewEntry{Path: to, Task: re.tasks[f.Path], ModTime: f.ModTime}
	var err error
	switch {
	case f.Link != "":
		err = re.link(f, e)
	case layout.IsView(f.Path):
		err = re.view(ctx, f, e)
	case layout.IsDelta(f.Path):
		err = re.delta(ctx, f, e)
	case re.dumps[path.Dir(f.Path)] != nil:
		err = re.section(ctx, f, e)
	default:
		err = re.file(ctx, f, e)
	}
	var left *leftOutError
	if errors.As(err, &left) {
		re.left[f.Path] = left.reason.Error()
		return nil
	}
	return err
}

// copy rewrites an entry's content. The bytes were scanned for leaks when they
// were first written.
func (re *rewriting) copy(ctx context.Context, name string, in io.Reader) (*spool, error) {
	out := newUnscannedSpool(re.w.dir)
	from, to := &sourceReader{r: contextReader{ctx, in}}, &targetWriter{w: out}
	err := re.t.Copy(to, name, from)
	if hard := errors.Join(from.err, to.err); hard != nil {
		out.close()
		return nil, fmt.Errorf("%s: %w", name, hard)
	}
	if err != nil {
		out.close()
		return nil, &leftOutError{err}
	}
	return out, nil
}

// targetWriter tells an error of writing from others.
type targetWriter struct {
	w   io.Writer
	err error
}

func (t *targetWriter) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	if err != nil {
		t.err = err
	}
	return n, err
}

func (re *rewriting) file(ctx context.Context, f File, e NewEntry) error {
	s, err := re.copy(ctx, f.Path, f.Reader)
	if err != nil {
		return err
	}
	defer s.close()
	return re.add(f.Path, e, s)
}

func (re *rewriting) add(old string, e NewEntry, s *spool) error {
	entry, err := re.w.addSpool(e, s)
	re.entries[old] = entry.Path
	return err
}

// canonicalFile puts a view, or a file of one section, into canonical form,
// certificates to facts.
func (re *rewriting) canonicalFile(kind string, s *spool) (*spool, error) {
	out := newUnscannedSpool(re.w.dir)
	if kind == layout.KindAmbientz {
		// The order of the names that were replaced would tell of them.
		if err := view.SortLists(out, s, s.size); err != nil {
			out.close()
			return nil, &leftOutError{err}
		}
		return out, nil
	}
	split := view.NewSplitter(ztunnel.NewStreamDecoder(s.reader()), view.Options{})
	err := split.Each(func(section string) error {
		if kind == layout.KindXDS {
			_, err := split.CopyList(out, section)
			return err
		}
		_, err := split.CopySection(out, section)
		return err
	})
	if err != nil {
		out.close()
		return nil, &leftOutError{err}
	}
	return out, nil
}

func (re *rewriting) view(ctx context.Context, f File, e NewEntry) error {
	raw, err := re.copy(ctx, f.Path, f.Reader)
	if err != nil {
		return err
	}
	defer raw.close()
	kind, _ := layout.ViewKind(f.Path)
	s, err := re.canonicalFile(kind, raw)
	if err != nil {
		return err
	}
	e.Path = layout.View(kind, s.sum())
	re.views[f.Path] = &rewrittenView{path: e.Path, s: s}
	return re.add(f.Path, e, s)
}

func (re *rewriting) link(f File, e NewEntry) error {
	v := re.views[f.Link]
	if v == nil {
		return &leftOutError{errors.New("what it links to was left out")}
	}
	entry, err := re.w.addLink(e, v.s.sum(), v.s.size, v.path)
	if err != nil {
		return err
	}
	re.entries[f.Path] = entry.Path
	return re.ofDump(f.Path, dumpSection{s: v.s})
}

// delta makes the delta one against the new view: the same positions, other items.
func (re *rewriting) delta(ctx context.Context, f File, e NewEntry) error {
	plain := newUnscannedSpool(re.w.dir)
	defer plain.close()
	if _, err := io.Copy(plain, contextReader{ctx, f.Reader}); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	was, err := view.ReadDelta(plain.reader())
	if err != nil {
		return &leftOutError{err}
	}
	v := re.views[was.View]
	if v == nil {
		return &leftOutError{errors.New("the view that it rests on was left out")}
	}
	other, err := re.copy(ctx, f.Path, plain.reader())
	if err != nil {
		return err
	}
	defer other.close()
	d, err := view.ReadDelta(other.reader())
	if err != nil {
		return &leftOutError{err}
	}
	section := newUnscannedSpool(re.w.dir)
	if err := re.addRebased(f, e, d, v, section); err != nil {
		section.close()
		return err
	}
	return re.ofDump(f.Path, dumpSection{section, true})
}

// addRebased adds d against the new view, and writes the section that it stands for.
func (re *rewriting) addRebased(f File, e NewEntry, d *view.Delta, v *rewrittenView, section *spool) error {
	if err := d.Rebase(v.path, v.s.reader(), section); err != nil {
		return &leftOutError{err}
	}
	out := newUnscannedSpool(re.w.dir)
	defer out.close()
	if err := d.Encode(out); err != nil {
		return err
	}
	return re.add(f.Path, e, out)
}

func (re *rewriting) section(ctx context.Context, f File, e NewEntry) error {
	plain := newUnscannedSpool(re.w.dir)
	defer plain.close()
	if _, err := io.Copy(plain, contextReader{ctx, f.Reader}); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	facts, err := re.canonicalFile("", plain)
	if err != nil {
		return err
	}
	defer facts.close()
	s, err := re.copy(ctx, f.Path, facts.reader())
	if err != nil {
		return err
	}
	if err := re.add(f.Path, e, s); err != nil {
		s.close()
		return err
	}
	return re.ofDump(f.Path, dumpSection{s, true})
}

// dumpSection is a section's content, which is closed after use where it is no view's.
type dumpSection struct {
	s     *spool
	owned bool
}

func (d dumpSection) close() {
	if d.owned {
		d.s.close()
	}
}

// ofDump adds a section to its dump when its turn has come.
func (re *rewriting) ofDump(old string, d dumpSection) error {
	dump := re.dumps[path.Dir(old)]
	if dump == nil {
		d.close()
		return nil
	}
	_, file := layout.SplitSection(old)
	dump.early[file] = d
	for ; dump.next < len(dump.sections); dump.next++ {
		section := dump.sections[dump.next]
		file := layout.SectionFile(section)
		turn, ok := dump.early[file]
		if !ok {
			break
		}
		delete(dump.early, file)
		err := dump.whole.Add(section, turn.s.reader(), turn.s.size)
		turn.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// final is what the manifest says now.
func (re *rewriting) final() *Final {
	for i, t := range re.is.Tasks {
		was := re.was.Tasks[i]
		t.ID, t.Status, t.Entries = was.ID, was.Status, nil
		for _, old := range was.Entries {
			if to, ok := re.entries[old]; ok {
				t.Entries = append(t.Entries, to)
			}
			if why, ok := re.left[old]; ok {
				t.Status, t.Reason = StatusTruncated, "it was collected and then withheld: "+why
			}
		}
		re.w.AddTask(t)
	}
	for i := range re.is.Discovery {
		re.is.Discovery[i].Kind = re.was.Discovery[i].Kind
	}
	redactions := maps.Clone(re.was.Redactions)
	if redactions == nil {
		redactions = map[string]int{}
	}
	if len(re.left) > 0 {
		redactions["withheld entries"] = len(re.left)
	}
	return &Final{
		Complete: re.was.Complete && len(re.left) == 0, Incomplete: re.incomplete(), Captured: re.was.Captured, ClockSource: re.was.ClockSource,
		Finished: re.was.Finished, Discovery: re.is.Discovery, Redactions: redactions, Shards: re.was.Shards,
	}
}

func (re *rewriting) incomplete() string {
	if len(re.left) > 0 {
		return "some entries were withheld"
	}
	return re.is.Incomplete
}
