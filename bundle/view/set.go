package view

import (
	"io"

	"github.com/zbundle/zbundle/bundle/layout"
)

// Bounds of what is compared: drift costs its own size, and memory is that of
// a few indexes however many views there are.
const (
	maxBases  = 8 // views of a kind that later ones are compared with
	maxChange = 4 // a delta has at most a quarter of its view's items
)

// Set are the views of a bundle that is being written. It is not safe for
// concurrent use: a section that rests on a view is stored after it.
type Set struct {
	known map[string]string  // view path to SHA-256
	bases map[string][]*base // by kind
}

// base is a stored view that others are compared with.
type base struct {
	path   string
	kind   string
	hashes []itemHash
	at     map[itemHash]int
	keys   []string
}

// Has is true of a view of that path and SHA-256.
func (s *Set) Has(path, sum string) bool { return s.known[path] == sum && sum != "" }

// Add notes that a view was stored, whose file is given. A nil index is of one
// that nothing is compared with.
func (s *Set) Add(kind, sum string, index *Index, file io.ReaderAt) error {
	if s.known == nil {
		s.known, s.bases = map[string]string{}, map[string][]*base{}
	}
	path := layout.View(kind, sum)
	s.known[path] = sum
	if !index.comparable() || len(s.bases[kind]) == maxBases {
		return nil
	}
	b := &base{path: path, kind: kind, hashes: index.hashes, at: make(map[itemHash]int, len(index.hashes))}
	item := index.ItemsIn(file)
	for n, h := range index.hashes {
		if _, twice := b.at[h]; !twice {
			b.at[h] = n
		}
		content, err := item(n)
		if err != nil {
			return err
		}
		b.keys = append(b.keys, itemKey(kind, content))
	}
	s.bases[kind] = append(s.bases[kind], b)
	return nil
}

// Delta is what a section of that hash and size differs by from the nearest
// view of its kind, nil where none is near.
func (s *Set) Delta(kind, sum string, size int64, index *Index, item Items) (*Delta, error) {
	if !index.comparable() {
		return nil, nil
	}
	nearest, diff := s.nearest(kind, index)
	if nearest == nil {
		return nil, nil
	}
	return nearest.delta(diff, sum, size, item)
}

// Rebase is d, which rests on another bundle's view of that index and items,
// as a delta against a view of the set, without the section being
// reconstructed; nil where none is near.
func (s *Set) Rebase(kind string, d *Delta, view *Index, item Items) (*Delta, error) {
	index, item := d.index(view, item)
	return s.Delta(kind, d.SHA256, d.Bytes, index, item)
}

func (s *Set) nearest(kind string, index *Index) (best *base, least difference) {
	for _, b := range s.bases[kind] {
		d, near := index.from(b)
		if near && (best == nil || d.size() < least.size()) {
			best, least = b, d
		}
	}
	return best, least
}

// difference is how a section comes out of a view.
type difference struct {
	missing []int // in the view
	extra   []int // in the section
	before  []int // the position in the view, for each extra
}

func (d difference) size() int { return len(d.missing) + len(d.extra) }

// from compares i with b; ok is false where what both have stands in another
// order, or too little is the same.
func (i *Index) from(b *base) (d difference, ok bool) {
	limit := max(len(b.hashes), len(i.hashes))/maxChange + 1
	next := 0
	for n, h := range i.hashes {
		at, known := b.at[h]
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
	for ; next < len(b.hashes); next++ {
		d.missing = append(d.missing, next)
	}
	return d, d.size() <= limit
}
