package bundle

import (
	"context"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
)

// Each shard has shared what its own ztunnels have in common. Over all of
// them it is shared anew: an equal view is stored once, and one that differs
// a little becomes a delta, as does then all that rests on it.

// maxHeld bounds the views of a shard that are held to reconstruct what rests
// on them; further ones are stored.
const maxHeld = 64

// shardView is a view of a shard in the merged bundle.
type shardView struct {
	stored string // its path there; "" where it is a delta
	sum    string
	size   int64
	delta  []byte
	index  *view.Index
	spool  *spool // held where it is a delta
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
	if m.w.views.Has(name, sum) {
		return v, nil
	}
	index, err := view.ReadIndex(kind, content.reader(), sum)
	if err != nil {
		return nil, err
	}
	if index != nil && s.kept < maxHeld {
		d, err := m.w.views.Delta(kind, sum, content.size, index, index.ItemsIn(content))
		if err != nil {
			return nil, err
		}
		if d != nil {
			if v.delta, err = d.Text(); err != nil {
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
	return v, m.w.views.Add(kind, sum, index, content)
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

// delta takes a section that is stored as a delta of a view of the shard: as
// it is where the merged bundle holds that view, else against one of its own.
func (m *merger) delta(ctx context.Context, s *shard, f File) error {
	content, err := m.spooled(ctx, s, f)
	if content == nil || err != nil {
		return err
	}
	defer content.close()
	d, err := view.ReadDelta(content.reader())
	if err == nil {
		err = d.Check()
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
	if stored := layout.View(kind, d.SHA256); m.w.views.Has(stored, d.SHA256) {
		return m.rest(s, f, name, &shardView{stored: stored, sum: d.SHA256, size: d.Bytes})
	}
	if v.stored == "" {
		rebased, err := m.w.views.Rebase(kind, d, v.index, v.index.ItemsIn(v.spool))
		if err != nil {
			return err
		}
		if rebased != nil {
			text, err := rebased.Text()
			if err != nil {
				return err
			}
			return m.renamed(s, f, f.Path, func(to string) error { return m.addRaw(to, f, text) })
		}
	}
	return m.reconstructed(s, f, name, kind, d, v)
}

// reconstructed makes the section that d stands for, and shares it anew.
func (m *merger) reconstructed(s *shard, f File, name, kind string, d *view.Delta, v *shardView) error {
	if v.spool == nil {
		m.problem(s, f.Path, "it rests on "+d.View+", whose name is not that of its content")
		return nil
	}
	section := newUnscannedSpool(m.w.dir)
	if err := d.Apply(section, v.spool.reader()); err != nil {
		section.close()
		m.problem(s, f.Path, "reconstructed from "+d.View+" it is not what it says")
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
