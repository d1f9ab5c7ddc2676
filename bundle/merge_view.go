package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Each shard has shared what its own ztunnels have in common. Over all of
// them it is shared anew: an equal view is stored once, and one that differs
// a little becomes a delta, as does then all that rests on it.

// maxHeld bounds the views of a shard that are held to make up again what
// rests on them; further ones are stored.
const maxHeld = 64

// shardView is a view of a shard in the merged bundle.
type shardView struct {
	stored string // its path there; "" where it is told by delta
	sum    string
	size   int64
	delta  []byte
	index  *items
	spool  *spool // held where it is told by delta
}

func (s *shard) close() {
	for _, v := range s.views {
		if v.spool != nil {
			v.spool.close()
		}
	}
}

// view takes a view as it comes by; what rests on it follows.
func (m *merger) view(ctx context.Context, s *shard, f File) error {
	content, err := m.spooled(ctx, s, f)
	if content == nil || err != nil {
		return err
	}
	kind, _ := layout.ViewKind(f.Path)
	v, err := m.reshare(s, f, kind, content)
	if err != nil || v.spool == nil {
		content.close()
	}
	if err == nil {
		s.views[f.Path] = v
	}
	return err
}

// reshare finds what a section's content is in the merged bundle: a view that
// is there, a delta against one, or a view of its own, which it adds.
func (m *merger) reshare(s *shard, f File, kind string, content *spool) (*shardView, error) {
	sum := content.sum()
	name := layout.View(kind, sum)
	v := &shardView{stored: name, sum: sum, size: content.size}
	if m.w.known[name] == sum {
		return v, nil
	}
	index, err := indexOf(kind, content)
	if err != nil {
		return nil, err
	}
	if index != nil && s.kept < maxHeld {
		if base, diff, ok := nearest(m.w.bases[kind], index); ok {
			d, err := base.delta(diff, sum, content.size, index.in(content))
			if err != nil {
				return nil, err
			}
			if v.delta, err = d.text(); err != nil {
				return nil, err
			}
			s.kept++
			v.stored, v.index, v.spool = "", index, content
			return v, nil
		}
	}
	if m.has(s, name) {
		return v, nil
	}
	if _, err := m.w.addSpool(NewEntry{Path: name, ModTime: f.ModTime}, content); err != nil {
		return nil, err
	}
	m.w.known[name] = sum
	if index != nil && len(m.w.bases[kind]) < maxBases {
		base, err := newView(name, kind, content, index)
		if err != nil {
			return nil, err
		}
		m.w.bases[kind] = append(m.w.bases[kind], base)
	}
	return v, nil
}

// link takes a section that is equal to a view.
func (m *merger) link(_ context.Context, s *shard, f File) error {
	v := s.views[f.Link]
	if v == nil {
		m.problem(s, f.Path, "it is a link to "+f.Link+", which is no view that could be read")
		return nil
	}
	s.found[f.Path] = Entry{Path: f.Path, SHA256: v.sum, Bytes: v.size, Link: f.Link}
	return m.rest(s, f, f.Path, v)
}

// rest adds the section at name, whose content is that of v.
func (m *merger) rest(s *shard, f File, name string, v *shardView) error {
	if v.stored == "" {
		return m.renamed(s, f, layout.Delta(name), func(to string) error { return m.addRaw(to, f, v.delta) })
	}
	return m.renamed(s, f, name, func(to string) error {
		_, err := m.w.addLink(NewEntry{Path: to, ModTime: f.ModTime}, v.sum, v.size, v.stored)
		return err
	})
}

// renamed adds the entry f of the shard at another path.
func (m *merger) renamed(s *shard, f File, to string, add func(to string) error) error {
	if m.has(s, to) {
		return nil
	}
	if to != f.Path {
		s.renamed[f.Path] = to
	}
	return add(to)
}

// delta takes a section that is told against a view of the shard: as it is
// where the merged bundle holds that view, else against one of its own.
func (m *merger) delta(ctx context.Context, s *shard, f File) error {
	content, err := m.spooled(ctx, s, f)
	if content == nil || err != nil {
		return err
	}
	defer content.close()
	d, err := delta(content)
	if err == nil && len(d.SHA256) != 2*sha256.Size {
		err = errors.New("its sha256 is none")
	}
	if err != nil {
		m.problem(s, f.Path, err.Error())
		return nil
	}
	v := s.views[d.View]
	if v == nil {
		m.problem(s, f.Path, "it rests on "+d.View+", which is no view that could be read")
		return nil
	}
	if v.stored == d.View {
		return m.keep(s, f, content)
	}
	name, _ := layout.Whole(f.Path)
	kind, _ := layout.ViewKind(d.View)
	if stored := layout.View(kind, d.SHA256); m.w.known[stored] == d.SHA256 {
		return m.rest(s, f, name, &shardView{stored: stored, sum: d.SHA256, size: d.Bytes})
	}
	if v.stored == "" {
		text, err := m.rebased(kind, d, v)
		if err != nil {
			return err
		}
		if text != nil {
			return m.renamed(s, f, f.Path, func(to string) error { return m.addRaw(to, f, text) })
		}
	}
	return m.whole(s, f, name, kind, d, v)
}

// rebased tells d, which rests on v, against a view of the merged bundle,
// without making the section up; nil where none is near.
func (m *merger) rebased(kind string, d *Delta, v *shardView) ([]byte, error) {
	index, item := d.index(v.index, v.index.in(v.spool))
	if base, diff, ok := nearest(m.w.bases[kind], index); ok {
		to, err := base.delta(diff, d.SHA256, d.Bytes, item)
		if err != nil {
			return nil, err
		}
		return to.text()
	}
	return nil, nil
}

// whole makes the section up that d tells, and shares it anew.
func (m *merger) whole(s *shard, f File, name, kind string, d *Delta, v *shardView) error {
	if v.spool == nil {
		m.problem(s, f.Path, "it rests on "+d.View+", whose name is not that of its content")
		return nil
	}
	in, err := v.spool.reader()
	if err != nil {
		return err
	}
	section := newUnscannedSpool(m.w.dir)
	if err := d.apply(section, in); err != nil || section.sum() != d.SHA256 {
		section.close()
		m.problem(s, f.Path, "made up from "+d.View+" it is not what it says")
		return nil
	}
	made, err := m.reshare(s, f, kind, section)
	if err != nil || made.spool == nil {
		section.close()
	}
	if err != nil {
		return err
	}
	if made.spool != nil {
		s.views[layout.View(kind, made.sum)+"#"] = made // closed with the others
	}
	return m.rest(s, f, name, made)
}

// index is that of the section that d makes of the items of its view.
func (d *Delta) index(view *items, item func(n int) ([]byte, error)) (*items, func(n int) ([]byte, error)) {
	out := &items{list: true, indexed: true}
	var from []int // in the view, or -1-n for the nth of own
	var own [][]byte
	missing, changed, extra := byPosition(d.Missing), byPosition(d.Changed), byPosition(d.Extra)
	add := func(content []byte) {
		sum := sha256.Sum256(content)
		out.hashes, from = append(out.hashes, itemHash(sum[:16])), append(from, -1-len(own))
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

// indexOf is the index of a section's or shared answer's file, nil of what is
// not in the form that this package writes.
func indexOf(kind string, content *spool) (*items, error) {
	if kind != layout.KindXDS && !slices.Contains(shared, kind) {
		return nil, nil
	}
	in, err := content.reader()
	if err != nil {
		return nil, err
	}
	split := &dumpSplitter{dec: ztunnel.NewStreamDecoder(in), keepPEM: true}
	hash := sha256.New()
	var index *items
	members := 0
	err = split.each(func(section string) (err error) {
		if members++; members > 1 {
			return errNotShared
		}
		index, err = split.copyList(hash, section)
		return err
	})
	if err != nil || index == nil || !index.list || !index.indexed || hex.EncodeToString(hash.Sum(nil)) != content.sum() {
		return nil, nil // it is stored as it is
	}
	return index, nil
}

// text is the delta's file.
func (d *Delta) text() ([]byte, error) {
	var out bytes.Buffer
	if err := d.encode(&out); err != nil {
		return nil, errors.Join(errors.New("write a delta"), err)
	}
	return out.Bytes(), nil
}
