package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// addShared stores a section or answer that may be shared: as a link to an
// equal view, a delta against the nearest one, or a view of its own.
func (w *Writer) addShared(kind string, e NewEntry, s *spool, index *view.Index) (Entry, error) {
	if err := w.finish(s); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", e.Path, err)
	}
	w.sharing.Lock()
	defer w.sharing.Unlock()
	sum := s.sum()
	name := layout.View(kind, sum)
	if w.views.Has(name, sum) {
		return w.addLink(e, sum, s.size, name)
	}
	if !s.intact {
		index = nil // it is not where the index says
	}
	if index != nil {
		if d, err := w.views.Delta(kind, sum, s.size, index, index.ItemsIn(s)); d != nil || err != nil {
			return w.addDelta(e, d, err)
		}
	}
	if _, err := w.addSpool(NewEntry{Path: name, ModTime: e.ModTime}, s); err != nil {
		return Entry{}, err
	}
	if err := w.views.Add(kind, sum, index, s); err != nil {
		return Entry{}, err
	}
	return w.addLink(e, sum, s.size, name)
}

func (w *Writer) addLink(e NewEntry, sum string, size int64, to string) (Entry, error) {
	entry := Entry{Path: e.Path, SHA256: sum, Bytes: size, Task: e.Task, Link: to}
	return entry, w.append(entry, &tar.Header{Typeflag: tar.TypeLink, Linkname: w.top + "/" + to}, e.ModTime, nil)
}

func (w *Writer) addDelta(e NewEntry, d *view.Delta, err error) (Entry, error) {
	if err != nil {
		return Entry{}, err
	}
	e.Path = layout.Delta(e.Path)
	out := newUnscannedSpool(w.dir) // the items in it were scanned in their section
	defer out.close()
	if err := d.Encode(out); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", e.Path, err)
	}
	return w.addSpool(e, out)
}

// AddShared stores an answer that is given in nearly the same words for many
// proxies: one JSON object with one list in it is shared item by item, as a
// section of a config dump is. Anything else that is JSON is stored as it was served.
func (w *Writer) AddShared(ctx context.Context, e NewEntry, r io.Reader) (Entry, error) {
	served, err := w.served(ctx, r)
	if err != nil {
		return Entry{}, err
	}
	defer served.close()
	s := newSpool(w.dir)
	defer s.close()
	index, err := view.NewSplitter(rawjson.NewDecoder(served.reader()), view.Options{KeepPEM: true}).CopyOnlyList(s)
	if err == nil {
		return w.addShared(layout.KindXDS, e, s, index)
	}
	return w.AddJSON(ctx, e, served.reader())
}

// AddLists stores an answer of lists, out of hash maps, that several istiods
// give alike, and each of them again when it is asked a second time: every
// list in the order of its elements' text, one to a line, and equal answers
// once. Anything else that is JSON is stored as it was served.
func (w *Writer) AddLists(ctx context.Context, e NewEntry, r io.Reader) (Entry, error) {
	served, err := w.served(ctx, r)
	if err != nil {
		return Entry{}, err
	}
	defer served.close()
	s := newSpool(w.dir)
	defer s.close()
	err = view.SortLists(s, served, served.size)
	switch {
	case err == nil:
		return w.addShared(layout.KindAmbientz, e, s, nil)
	case !errors.Is(err, view.ErrNoLists):
		return Entry{}, err
	}
	return w.AddJSON(ctx, e, served.reader())
}

// served takes an answer as it came, to read it more than once.
func (w *Writer) served(ctx context.Context, r io.Reader) (*spool, error) {
	s := newUnscannedSpool(w.dir)
	if _, err := io.Copy(s, contextReader{ctx, r}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
