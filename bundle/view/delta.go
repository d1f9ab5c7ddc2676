package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// Delta is a section as what it differs by from a view, the content of
// config_dump/<section>.delta.json. Positions are those of the view's items.
type Delta struct {
	View   string `json:"view"`
	SHA256 string `json:"sha256"` // of the section file that the delta stands for
	Bytes  int64  `json:"bytes"`  // of the same
	// Missing are the view's items that the section does not have.
	Missing []Item `json:"missing"`
	// Changed are items that stand in the place of the view's.
	Changed []Item `json:"changed"`
	// Extra are items that stand before the view's item at their position.
	Extra []Item `json:"extra"`
}

// Item is one difference. Key is a workload's uid, else "<namespace>/<hostname or name>".
type Item struct {
	At   int             `json:"at"`
	Key  string          `json:"key"`
	Item json.RawMessage `json:"item,omitempty"`
}

// maxDelta bounds a delta's text, which is held whole: a quarter of the
// largest mesh's workloads is less.
const maxDelta = 64 << 20

// ReadDelta reads a delta file.
func ReadDelta(r io.Reader) (*Delta, error) {
	d := &Delta{}
	if err := rawjson.DecodeBounded(r, maxDelta, d); err != nil {
		return nil, fmt.Errorf("read a delta: %w", err)
	}
	return d, nil
}

// ErrHash is returned for a delta that does not name the SHA-256 of its section.
var ErrHash = errors.New("invalid sha256")

// Check is an error for a delta that can't be what this package wrote.
func (d *Delta) Check() error {
	if len(d.SHA256) != 2*sha256.Size {
		return ErrHash
	}
	return nil
}

// delta is what a section of that hash and size differs by from b; item gives
// the bytes of its items.
func (b *base) delta(diff difference, sum string, size int64, item Items) (*Delta, error) {
	d := &Delta{View: b.path, SHA256: sum, Bytes: size, Missing: []Item{}, Changed: []Item{}, Extra: []Item{}}
	missing, ends := map[string]int{}, runs(diff.missing)
	for _, at := range diff.missing {
		missing[b.keys[at]] = at
	}
	changed := map[int]bool{}
	next := 0 // where in the view the next of the section's items stands
	for n, i := range diff.extra {
		content, err := item(i)
		if err != nil {
			return nil, err
		}
		next = max(next, diff.before[n])
		key := itemKey(b.kind, content)
		// The same item with another content takes the place of the old one,
		// if nothing that both have stands between.
		if at, ok := missing[key]; ok && at >= next && at < ends[diff.before[n]] {
			changed[at], next = true, at+1
			d.Changed = append(d.Changed, Item{At: at, Key: key, Item: content})
			continue
		}
		d.Extra = append(d.Extra, Item{At: next, Key: key, Item: content})
	}
	for _, at := range diff.missing {
		if !changed[at] {
			d.Missing = append(d.Missing, Item{At: at, Key: b.keys[at]})
		}
	}
	return d, nil
}

// runs gives for the first of each run of positions where the run ends.
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

// Encode writes the delta's file. It keeps the bytes of the items, on which
// the section's hash rests.
func (d *Delta) Encode(w io.Writer) error {
	out := &stickyWriter{w: w}
	out.write(fmt.Sprintf("{\n  \"view\": %q,\n  \"sha256\": %q,\n  \"bytes\": %d", d.View, d.SHA256, d.Bytes))
	for _, list := range []struct {
		name  string
		items []Item
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

// Text is the delta's file.
func (d *Delta) Text() ([]byte, error) {
	var out bytes.Buffer
	if err := d.Encode(&out); err != nil {
		return nil, fmt.Errorf("write a delta: %w", err)
	}
	return out.Bytes(), nil
}

// ErrChanged is returned for a delta and a view that do not make up the
// section that the delta stands for.
var ErrChanged = errors.New("reconstructed from its view it has another hash than it should: the bundle was changed")

// Apply writes the section that d and its view make up.
func (d *Delta) Apply(w io.Writer, view io.Reader) error {
	hash := sha256.New()
	if err := d.apply(io.MultiWriter(hash, w), view); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != d.SHA256 {
		return ErrChanged
	}
	return nil
}

// Rebase makes d the delta of the same positions against another view, whose
// items are in canonical form, and writes the section that it stands for.
func (d *Delta) Rebase(path string, view io.Reader, section io.Writer) error {
	kind, _ := layout.ViewKind(path)
	for _, items := range [][]Item{d.Changed, d.Extra} {
		for i := range items {
			items[i].Item, _ = canonical(kind, jsontext.Value(items[i].Item), false)
		}
	}
	d.View = path
	hash := sha256.New()
	out := &stickyWriter{w: io.MultiWriter(hash, section)}
	if err := d.apply(out, view); err != nil {
		return err
	}
	d.SHA256, d.Bytes = hex.EncodeToString(hash.Sum(nil)), out.n
	return nil
}

func (d *Delta) apply(w io.Writer, view io.Reader) error {
	split := NewSplitter(rawjson.NewDecoder(view), Options{KeepPEM: true})
	out := &stickyWriter{w: w}
	return split.Each(func(section string) error {
		quoted, err := jsontext.AppendQuote(nil, section)
		if err != nil {
			return err
		}
		if split.dec.PeekKind() != '[' {
			return fmt.Errorf("%s is no list", d.View)
		}
		if _, err := split.dec.ReadToken(); err != nil {
			return err
		}
		out.write(sectionHead(quoted))
		list := &listWriter{out: out, list: true}
		list.open()
		missing, changed, extra := byPosition(d.Missing), byPosition(d.Changed), byPosition(d.Extra)
		for at := 0; ; at++ {
			for _, item := range extra[at] {
				list.item(nil, item)
			}
			if split.dec.PeekKind() == ']' {
				break
			}
			v, err := split.dec.ReadValue()
			if err != nil {
				return err
			}
			switch _, gone := missing[at]; {
			case gone:
			case changed[at] != nil:
				list.item(nil, changed[at][0])
			default:
				list.item(nil, v)
			}
		}
		list.close()
		out.write(sectionTail)
		if _, err := split.dec.ReadToken(); err != nil {
			return err
		}
		return out.err
	})
}

func byPosition(items []Item) map[int][]json.RawMessage {
	out := map[int][]json.RawMessage{}
	for _, i := range items {
		out[i.At] = append(out[i.At], i.Item)
	}
	return out
}

// index is that of the section that d makes of the items of its view.
func (d *Delta) index(view *Index, item Items) (*Index, Items) {
	out := &Index{list: true, indexed: true}
	var from []int // in the view, or -1-n for the nth of own
	var own [][]byte
	missing, changed, extra := byPosition(d.Missing), byPosition(d.Changed), byPosition(d.Extra)
	add := func(content []byte) {
		out.hashes, from = append(out.hashes, hashOf(content)), append(from, -1-len(own))
		own = append(own, content)
	}
	for at := 0; at <= len(view.hashes); at++ {
		for _, content := range extra[at] {
			add(content)
		}
		if at == len(view.hashes) {
			break
		}
		switch _, gone := missing[at]; {
		case gone:
		case changed[at] != nil:
			add(changed[at][0])
		default:
			out.hashes, from = append(out.hashes, view.hashes[at]), append(from, at)
		}
	}
	return out, func(n int) ([]byte, error) {
		if from[n] < 0 {
			return own[-1-from[n]], nil
		}
		return item(from[n])
	}
}

// Own are the items that the section has and its view has not, each with its
// JSON pointer in the delta's file.
func (d *Delta) Own() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for n, item := range d.Changed {
			if !yield(fmt.Sprintf("/changed/%d/item", n), item.Item) {
				return
			}
		}
		for n, item := range d.Extra {
			if !yield(fmt.Sprintf("/extra/%d/item", n), item.Item) {
				return
			}
		}
	}
}

// Gone are the keys of the view's items that the section does not have, or
// has with another content.
func (d *Delta) Gone() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, items := range [][]Item{d.Missing, d.Changed} {
			for _, item := range items {
				if !yield(item.Key) {
					return
				}
			}
		}
	}
}

// Len counts the differences.
func (d *Delta) Len() int { return len(d.Missing) + len(d.Changed) + len(d.Extra) }
