package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/layout"
)

// Bounds of what is compared: drift costs its own size, and memory is that of
// a few indexes however many views there are.
const (
	maxBases  = 8 // views of a kind that later ones are told against
	maxChange = 4 // a delta has at most a quarter of its view's items
)

// itemHash tells an item by its canonical bytes.
type itemHash [16]byte

func hashOf(item []byte) itemHash {
	sum := sha256.Sum256(item)
	return itemHash(sum[:16])
}

// items is the index of a section: what it holds in which order, and where in
// its file.
type items struct {
	list    bool // a list, and not a map by address as before 1.23
	indexed bool // one that is shared
	hashes  []itemHash
	ends    []int64 // of each item in the section's file; it begins at starts
	starts  []int64
}

// maxItems bounds what is indexed of one list, far above the largest mesh.
const maxItems = 1 << 20

func (i *items) add(hash itemHash, start, end int64) {
	if len(i.hashes) == maxItems {
		*i = items{list: i.list} // it is stored as it is
		return
	}
	i.hashes = append(i.hashes, hash)
	i.starts = append(i.starts, start)
	i.ends = append(i.ends, end)
}

// view is a stored section that others are told against.
type view struct {
	path   string
	hashes []itemHash
	at     map[itemHash]int
	keys   []string
}

// Delta is a section told by its difference from a view, the content of
// config_dump/<section>.delta.json. Positions are those of the view's items.
type Delta struct {
	View   string `json:"view"`
	SHA256 string `json:"sha256"` // of the section file that the delta stands for
	Bytes  int64  `json:"bytes"`  // of the same
	// Missing are the view's items that the section does not have.
	Missing []DeltaItem `json:"missing"`
	// Changed are items that stand in the place of the view's.
	Changed []DeltaItem `json:"changed"`
	// Extra are items that stand before the view's item at their position.
	Extra []DeltaItem `json:"extra"`
}

// DeltaItem is one difference. Key is a workload's uid, else "<namespace>/<hostname or name>".
type DeltaItem struct {
	At   int             `json:"at"`
	Key  string          `json:"key"`
	Item json.RawMessage `json:"item,omitempty"`
}

// maxDelta bounds a delta's text, which is held whole: a quarter of the
// largest mesh's workloads is less.
const maxDelta = 64 << 20

// DecodeDelta reads a delta file.
func DecodeDelta(r io.Reader) (*Delta, error) {
	d := &Delta{}
	if err := decode(r, maxDelta, d); err != nil {
		return nil, fmt.Errorf("read a delta: %w", err)
	}
	return d, nil
}

// difference is how a section comes out of a view.
type difference struct {
	missing []int // in the view
	extra   []int // in the section
	before  []int // the position in the view, for each extra
}

// from tells i against v; ok is false where what both have stands in another
// order, or too little is the same.
func (i *items) from(v *view) (d difference, ok bool) {
	limit := max(len(v.hashes), len(i.hashes))/maxChange + 1
	next := 0
	for n, h := range i.hashes {
		at, known := v.at[h]
		if !known {
			d.extra, d.before = append(d.extra, n), append(d.before, next)
			if len(d.extra) > limit {
				return d, false
			}
			continue
		}
		if at < next {
			return d, false
		}
		for ; next < at; next++ {
			d.missing = append(d.missing, next)
		}
		next = at + 1
	}
	for ; next < len(v.hashes); next++ {
		d.missing = append(d.missing, next)
	}
	return d, len(d.missing)+len(d.extra) <= limit
}

// addView stores a section that may be shared: as a link to an equal view, a
// delta against the nearest one, or a view of its own.
func (w *Writer) addView(kind string, e NewEntry, s *spool, index *items) (Entry, error) {
	if err := w.finish(s); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", e.Path, err)
	}
	w.views.Lock()
	defer w.views.Unlock()
	sum := s.sum()
	name := layout.View(kind, sum)
	if w.known[name] == sum {
		return w.addLink(e, s.sum(), s.size, name)
	}
	exact := index != nil && index.list && index.indexed && s.intact
	if exact {
		if v, d, ok := nearest(w.bases[kind], index); ok {
			delta, err := v.delta(d, s.sum(), s.size, index.in(s))
			if err != nil {
				return Entry{}, err
			}
			return w.addDelta(e, delta)
		}
	}
	if _, err := w.addSpool(NewEntry{Path: name, ModTime: e.ModTime}, s); err != nil {
		return Entry{}, err
	}
	w.known[name] = sum
	if exact && len(w.bases[kind]) < maxBases {
		v, err := newView(name, kind, s, index)
		if err != nil {
			return Entry{}, err
		}
		w.bases[kind] = append(w.bases[kind], v)
	}
	return w.addLink(e, s.sum(), s.size, name)
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
	in, err := served.reader()
	if err != nil {
		return Entry{}, err
	}
	split := &dumpSplitter{dec: jsontext.NewDecoder(in, decodeOptions()...), keepPEM: true}
	s := newSpool(w.dir)
	defer s.close()
	var index *items
	members := 0
	err = split.each(func(section string) (err error) {
		if members++; members > 1 {
			return errNotShared
		}
		index, err = split.copyList(s, section)
		return err
	})
	if err == nil && index != nil && index.list {
		return w.addView(layout.KindXDS, e, s, index)
	}
	if in, err = served.reader(); err != nil {
		return Entry{}, err
	}
	return w.AddJSON(ctx, e, in)
}

var errNotShared = errors.New("more than one list")

func (w *Writer) addLink(e NewEntry, sum string, size int64, view string) (Entry, error) {
	entry := Entry{Path: e.Path, SHA256: sum, Bytes: size, Task: e.Task, Link: view}
	return entry, w.append(entry, &tar.Header{Typeflag: tar.TypeLink, Linkname: w.top + "/" + view}, e.ModTime, nil)
}

func nearest(views []*view, index *items) (best *view, least difference, ok bool) {
	for _, v := range views {
		d, near := index.from(v)
		if near && (best == nil || len(d.missing)+len(d.extra) < len(least.missing)+len(least.extra)) {
			best, least = v, d
		}
	}
	return best, least, best != nil
}

func newView(name, kind string, s *spool, index *items) (*view, error) {
	v := &view{path: name, hashes: index.hashes, at: make(map[itemHash]int, len(index.hashes))}
	for n, h := range index.hashes {
		if _, twice := v.at[h]; !twice {
			v.at[h] = n
		}
		item, err := s.slice(index.starts[n], index.ends[n])
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, itemKey(kind, item))
	}
	return v, nil
}

// in gives the bytes of the nth item out of the section's file.
func (i *items) in(s *spool) func(n int) ([]byte, error) {
	return func(n int) ([]byte, error) { return s.slice(i.starts[n], i.ends[n]) }
}

// delta tells a section of that hash and size by its difference from v; item
// gives the bytes of its items.
func (v *view) delta(diff difference, sum string, size int64, item func(n int) ([]byte, error)) (*Delta, error) {
	d := &Delta{View: v.path, SHA256: sum, Bytes: size, Missing: []DeltaItem{}, Changed: []DeltaItem{}, Extra: []DeltaItem{}}
	kind, _ := layout.ViewKind(v.path)
	missing, ends := map[string]int{}, runs(diff.missing)
	for _, at := range diff.missing {
		missing[v.keys[at]] = at
	}
	changed := map[int]bool{}
	next := 0 // where in the view the next of the section's items stands
	for n, i := range diff.extra {
		content, err := item(i)
		if err != nil {
			return nil, err
		}
		next = max(next, diff.before[n])
		key := itemKey(kind, content)
		// The same item with another content takes the place of the old one,
		// if nothing that both have stands between.
		if at, ok := missing[key]; ok && at >= next && at < ends[diff.before[n]] {
			changed[at], next = true, at+1
			d.Changed = append(d.Changed, DeltaItem{At: at, Key: key, Item: content})
			continue
		}
		d.Extra = append(d.Extra, DeltaItem{At: next, Key: key, Item: content})
	}
	for _, at := range diff.missing {
		if !changed[at] {
			d.Missing = append(d.Missing, DeltaItem{At: at, Key: v.keys[at]})
		}
	}
	return d, nil
}

// runs tells for the first of each run of positions where the run ends.
func runs(positions []int) map[int]int {
	ends := map[int]int{}
	start := 0
	for n, at := range positions {
		if n == 0 || at != positions[n-1]+1 {
			start = at
		}
		ends[start] = at + 1
	}
	return ends
}

func (w *Writer) addDelta(e NewEntry, d *Delta) (Entry, error) {
	e.Path = layout.Delta(e.Path)
	out := newUnscannedSpool(w.dir) // the items in it were scanned in their section
	defer out.close()
	if err := d.encode(out); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", e.Path, err)
	}
	return w.addSpool(e, out)
}

// encode keeps the bytes of the items, on which the section's hash rests.
func (d *Delta) encode(w io.Writer) error {
	out := &stickyWriter{w: w}
	out.write(fmt.Sprintf("{\n  \"view\": %q,\n  \"sha256\": %q,\n  \"bytes\": %d", d.View, d.SHA256, d.Bytes))
	for _, list := range []struct {
		name  string
		items []DeltaItem
	}{{"missing", d.Missing}, {"changed", d.Changed}, {"extra", d.Extra}} {
		out.write(fmt.Sprintf(",\n  %q: [", list.name))
		for n, item := range list.items {
			if n > 0 {
				out.write(",")
			}
			key, err := json.Marshal(item.Key)
			if err != nil {
				return err
			}
			out.write(fmt.Sprintf("\n    {\"at\": %d, \"key\": %s", item.At, key))
			if item.Item != nil {
				out.write(", \"item\": ")
				out.bytes(item.Item)
			}
			out.write("}")
		}
		out.write("]")
	}
	out.write("\n}\n")
	return out.err
}

// itemKey names an item as people know it.
func itemKey(kind string, item []byte) string {
	var names struct {
		UID       string `json:"uid"`
		Namespace string `json:"namespace"`
		Hostname  string `json:"hostname"`
		Name      string `json:"name"`
	}
	if err := json.Unmarshal(item, &names); err != nil {
		return "" // an item of another shape has its position only
	}
	switch {
	case kind == "workloads":
		return names.UID
	case kind == "services":
		return names.Namespace + "/" + names.Hostname
	}
	return names.Namespace + "/" + names.Name
}
