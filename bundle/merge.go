package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle/layout"
)

// maxApart is how long after each other the shards of one collection can have started.
const maxApart = 24 * time.Hour

// Merged is what came of putting shards together.
type Merged struct {
	File     string
	Bytes    int64 // of the file
	Shards   Shards
	Entries  int
	Complete bool
	// Incomplete is why not; Problems are entries that were refused, damaged or there twice.
	Incomplete string
	Problems   []Problem
}

// Merge puts the shards of one collection together into a bundle like that of
// an unsharded run. What a missing or damaged shard was to bring is missing in
// it, and its manifest says so. One entry is held at a time, and of each
// shard the few views that the bundle holds in another form.
func Merge(ctx context.Context, shards []*Reader, name string, opts CreateOptions) (*Merged, error) {
	m := &merger{discovered: map[Discovered]bool{}, redactions: map[string]int{}, rights: map[Right]bool{}}
	if err := m.heads(ctx, shards); err != nil {
		return nil, err
	}
	opts.Header = m.header
	w, err := Create(name, opts)
	if err != nil {
		return nil, err
	}
	m.w = w
	for _, s := range m.shards {
		if err := m.take(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("merge %s: %w", s.r.name, err), w.Abort())
		}
	}
	final := m.final()
	if err := w.Close(final); err != nil {
		return nil, err
	}
	return &Merged{
		File: name, Bytes: w.Size(), Shards: *final.Shards, Entries: len(w.entries),
		Complete: final.Complete, Incomplete: final.Incomplete, Problems: m.problems,
	}, nil
}

// merger is a merge under way.
type merger struct {
	w          *Writer
	header     Header
	of         int
	shards     []*shard
	discovered map[Discovered]bool
	redactions map[string]int
	rights     map[Right]bool
	cost       Cost
	problems   []Problem
	damaged    int // problems that were not repaired
	captured   time.Time
	clock      string
	finished   time.Time
	incomplete []string
	clusters   []ClusterFinal
}

// shard is one of the bundles that are put together.
type shard struct {
	r        *Reader
	header   *Header
	manifest *Manifest
	found    map[string]Entry // what was read, to hold against the manifest
	renamed  map[string]string
	views    map[string]*shardView
	kept     int // views that are held for what rests on them
	// first is where the shard's entries begin in the merged bundle's list.
	first int
}

// heads reads the shards' headers, and refuses what is no part of one collection.
func (m *merger) heads(ctx context.Context, readers []*Reader) error {
	for _, r := range readers {
		h, err := r.header(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if h.Shard == nil {
			return fmt.Errorf("%s: it is not a shard: it was collected without --shard", r.name)
		}
		if err := h.Shard.check(); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		m.shards = append(m.shards, &shard{
			r: r, header: h, found: map[string]Entry{}, renamed: map[string]string{}, views: map[string]*shardView{},
		})
	}
	slices.SortStableFunc(m.shards, func(a, b *shard) int { return a.header.Shard.Index - b.header.Shard.Index })
	first := m.shards[0]
	for i, s := range m.shards {
		switch apart := s.header.Started.Sub(first.header.Started).Abs(); {
		case s.header.Shard.Of != first.header.Shard.Of:
			return fmt.Errorf("%s is shard %s and %s shard %s: they are not parts of one collection", first.r.name, first.header.Shard, s.r.name, s.header.Shard)
		case i > 0 && s.header.Shard.Index == m.shards[i-1].header.Shard.Index:
			return fmt.Errorf("%s and %s are both shard %s", m.shards[i-1].r.name, s.r.name, s.header.Shard)
		case s.header.Cluster != first.header.Cluster || !slices.Equal(s.header.Clusters, first.header.Clusters):
			return fmt.Errorf("%s is of another cluster than %s", s.r.name, first.r.name)
		case apart > maxApart:
			return fmt.Errorf("%s was collected %s apart from %s: they are not parts of one collection", s.r.name, apart.Round(time.Minute), first.r.name)
		}
	}
	m.of = first.header.Shard.Of
	m.header = *first.header
	m.header.Shard = nil
	for _, s := range m.shards {
		if s.header.Started.Before(m.header.Started) {
			m.header.Started = s.header.Started
		}
	}
	return nil
}

// take copies a shard's entries, and checks them against its manifest.
func (m *merger) take(ctx context.Context, s *shard) error {
	defer s.close()
	s.first = len(m.w.entries)
	err := s.r.Walk(ctx, func(f File) error {
		if len(m.w.seen) >= maxEntries {
			return fmt.Errorf("%w: over %d entries", errTooMuch, maxEntries)
		}
		return m.entry(ctx, s, f)
	})
	if err != nil {
		return err
	}
	for _, p := range s.r.Problems() {
		p.Path = s.r.name + ": " + p.Path
		m.note(p)
	}
	m.settle(s)
	return nil
}

func (m *merger) entry(ctx context.Context, s *shard, f File) error {
	switch {
	case f.Path == layout.Manifest:
		return m.manifest(s, f)
	case layout.IsView(f.Path) && f.Link == "":
		return m.view(ctx, s, f)
	case f.Link != "":
		return m.link(ctx, s, f)
	case layout.IsDelta(f.Path):
		return m.delta(ctx, s, f)
	}
	return m.file(ctx, s, f)
}

// file copies an entry byte for byte.
func (m *merger) file(ctx context.Context, s *shard, f File) error {
	content, err := m.spooled(ctx, s, f)
	if content == nil || err != nil {
		return err
	}
	defer content.close()
	if f.Path == layout.Header {
		return nil // its hash is known now; the bundle has its own
	}
	return m.keep(s, f, content)
}

// keep adds what was read of f, unless another shard has brought an entry of that name.
func (m *merger) keep(s *shard, f File, content *spool) error {
	if m.has(s, f.Path) {
		return nil
	}
	_, err := m.w.addSpool(NewEntry{Path: f.Path, ModTime: f.ModTime}, content)
	return err
}

// has notes an entry that an earlier shard has brought.
func (m *merger) has(s *shard, name string) bool {
	if !m.w.seen[strings.ToLower(name)] {
		return false
	}
	m.problem(s, name, "an earlier shard holds it too; that one was kept")
	return true
}

// spooled reads an entry whole and remembers its hash. One that breaks off
// is a problem, and nil.
func (m *merger) spooled(ctx context.Context, s *shard, f File) (*spool, error) {
	content := newUnscannedSpool(m.w.dir)
	from := &sourceReader{r: f.Reader}
	if _, err := io.Copy(content, contextReader{ctx, from}); err != nil {
		content.close()
		if from.err == nil || ctx.Err() != nil {
			return nil, err
		}
		m.problem(s, f.Path, fmt.Sprintf("could not be read whole: %v", err))
		return nil, nil
	}
	s.found[f.Path] = Entry{Path: f.Path, SHA256: content.sum(), Bytes: content.size}
	return content, nil
}

// sourceReader tells an error of reading from one of writing.
type sourceReader struct {
	r   io.Reader
	err error
}

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

func (m *merger) manifest(s *shard, f File) error {
	var text bytes.Buffer
	if _, err := io.Copy(&limitedBuffer{&text, maxManifest}, f.Reader); err != nil {
		return nil // it is missing then, which settle says
	}
	manifest, err := DecodeManifest(&text)
	if err != nil {
		m.problem(s, f.Path, err.Error())
		return nil
	}
	s.manifest = manifest
	return nil
}

// settle takes over what the shard's manifest says, with the names that
// entries have now, and names what is not as it says.
func (m *merger) settle(s *shard) {
	man := s.manifest
	if man == nil {
		m.incomplete = append(m.incomplete, fmt.Sprintf("shard %s was cut off", s.header.Shard))
		return
	}
	if !man.Complete {
		m.incomplete = append(m.incomplete, fmt.Sprintf("shard %s: %s", s.header.Shard, man.Incomplete))
	}
	v := &Verification{}
	tasks := make(map[string]string, len(man.Entries))
	for _, e := range man.Entries {
		tasks[s.nameOf(e.Path)] = e.Task
	}
	v.compare(man, s.found)
	for text, paths := range map[string][]string{
		"it is not in the shard": v.Missing, "it was changed since it was collected": v.Changed, "it was added since": v.Added,
	} {
		for _, p := range paths {
			m.problem(s, p, text)
		}
	}
	for i := s.first; i < len(m.w.entries); i++ {
		m.w.entries[i].Task = tasks[m.w.entries[i].Path]
	}
	for _, t := range man.Tasks {
		for i, name := range t.Entries {
			t.Entries[i] = s.nameOf(name)
		}
		m.w.tasks = append(m.w.tasks, t)
	}
	m.w.dumps = append(m.w.dumps, man.Dumps...)
	for _, d := range man.Discovery {
		m.discovered[d] = true
	}
	for kind, n := range man.Redactions {
		m.redactions[kind] += n
	}
	for _, x := range man.Rights {
		m.rights[x] = true
	}
	m.cost.Requests += man.Cost.Requests
	m.cost.Bytes += man.Cost.Bytes
	m.clusters = mergedClusters(m.clusters, s.header.Shard, man.Clusters)
	if m.captured.IsZero() || man.Captured.Before(m.captured) {
		m.captured, m.clock = man.Captured, man.ClockSource
	}
	if man.Finished.After(m.finished) {
		m.finished = man.Finished
	}
}

// mergedClusters takes each cluster for as incomplete as any shard says, and
// for captured when the first of them began.
func mergedClusters(all []ClusterFinal, shard *Shard, more []ClusterFinal) []ClusterFinal {
	for _, c := range more {
		if !c.Complete {
			c.Incomplete = fmt.Sprintf("shard %s: %s", shard, c.Incomplete)
		}
		at := slices.IndexFunc(all, func(known ClusterFinal) bool { return known.Dir == c.Dir })
		if at < 0 {
			all = append(all, c)
			continue
		}
		known := &all[at]
		if !c.Complete {
			known.Complete, known.Incomplete = false, strings.TrimPrefix(known.Incomplete+"; "+c.Incomplete, "; ")
		}
		if c.Captured.Before(known.Captured) {
			known.Captured, known.ClockSource = c.Captured, c.ClockSource
		}
	}
	return all
}

func (s *shard) nameOf(name string) string {
	if to, ok := s.renamed[name]; ok {
		return to
	}
	return name
}

func (m *merger) problem(s *shard, name, text string) {
	m.note(Problem{Path: s.r.name + ": " + name, Text: text})
}

func (m *merger) note(p Problem) {
	const most = 1000
	if len(m.problems) < most {
		m.problems = append(m.problems, p)
	}
	if !p.Repaired {
		m.damaged = min(m.damaged+1, most)
	}
}

func (m *merger) final() Final {
	shards := &Shards{Of: m.of}
	for i := range m.of {
		if !slices.ContainsFunc(m.shards, func(s *shard) bool { return s.header.Shard.Index == i }) {
			shards.Missing = append(shards.Missing, i)
		}
	}
	why := m.incomplete
	if len(shards.Missing) > 0 {
		why = append([]string{shards.String()}, why...)
	}
	if n := m.damaged; n > 0 {
		why = append(why, fmt.Sprintf("entries of shards that were refused, damaged or there twice: %d", n))
	}
	if m.captured.IsZero() {
		m.captured = m.header.Started
	}
	discovery := slices.SortedFunc(maps.Keys(m.discovered), compareDiscovered)
	return Final{
		Complete: len(why) == 0, Incomplete: strings.Join(why, "; "), Captured: m.captured, ClockSource: m.clock, Finished: m.finished,
		Discovery: discovery, Redactions: m.redactions, Shards: shards, Clusters: m.clusters,
		Rights: slices.SortedFunc(maps.Keys(m.rights), compareRights), Cost: m.cost,
	}
}

// addRaw adds content that was in a bundle before at another path.
func (m *merger) addRaw(name string, f File, content []byte) error {
	s := newUnscannedSpool(m.w.dir)
	defer s.close()
	if _, err := s.Write(content); err != nil {
		return err
	}
	_, err := m.w.addSpool(NewEntry{Path: name, ModTime: f.ModTime}, s)
	return err
}
