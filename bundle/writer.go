package bundle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/mholt/archives"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/bundle/view"
)

// ErrExists is returned for an output file that is already there.
var ErrExists = errors.New("file exists")

// CreateOptions say how to write an archive.
type CreateOptions struct {
	Force   bool // replace a file that is already there
	KeepPEM bool // keep certificates whole, and not only the facts in them
	Header  Header
	// Stdout takes the archive where its name is "-".
	Stdout io.Writer
	// Recipients are the only ones who can read it, where there are any.
	Recipients []age.Recipient
}

// NewEntry is an entry to be added. ModTime is when its content was true.
type NewEntry struct {
	Path    string
	Task    string // "<task id> <target>"
	ModTime time.Time
}

// Final is what is known when everything has been collected.
type Final struct {
	Complete    bool
	Incomplete  string
	Captured    time.Time
	ClockSource string
	Finished    time.Time
	Discovery   []Discovered
	Rights      []Right
	Cost        Cost
	Redactions  map[string]int
	Shards      *Shards        // of a merged bundle
	Clusters    []ClusterFinal // of several in one bundle
}

// scan takes secrets out of the free text in it.
func (f *Final) scan(found map[string]int) {
	f.Incomplete = redact.Text(f.Incomplete, found)
	f.Clusters, f.Discovery = slices.Clone(f.Clusters), slices.Clone(f.Discovery)
	for i := range f.Clusters {
		f.Clusters[i].Incomplete = redact.Text(f.Clusters[i].Incomplete, found)
	}
	for i := range f.Discovery {
		f.Discovery[i].Note = redact.Text(f.Discovery[i].Note, found)
	}
}

// Writer writes an archive as its entries come. It is safe for concurrent
// use: each caller spools its own entry, and one goroutine, which Close and
// Abort wait for, appends them to the tar. Nothing stands under the final
// name before Close has succeeded.
type Writer struct {
	dir, top string
	keepPEM  bool
	out      *output
	header   Header
	jobs     chan archives.ArchiveAsyncJob
	done     chan error

	mu      sync.Mutex
	seen    map[string]bool // lower case: some file systems know no other
	entries []Entry
	tasks   []Task
	dumps   []view.Dump
	// redactions count what the leak scan cut out, by its kind.
	redactions map[string]int
	ended      bool
	adding     sync.WaitGroup // entries on their way to the owner

	sharing sync.Mutex // held while a view is written, so that no link comes before it
	views   view.Set
	clean   view.CleanItems
}

// Create begins an archive at name, whose ending decides its form: .tgz,
// .tar.gz, .tar.zst or .tar, each with .age behind it for an encrypted one.
// The name "-" stands for a .tgz that goes to opts.Stdout.
func Create(name string, opts CreateOptions) (*Writer, error) {
	if err := CheckCreate(name, opts); err != nil {
		return nil, err
	}
	format, base, err := formatOf(name)
	if err != nil {
		return nil, err
	}
	out, err := createOutput(name, base, opts)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		dir: filepath.Dir(name), top: base, out: out, header: opts.Header, keepPEM: opts.KeepPEM,
		jobs: make(chan archives.ArchiveAsyncJob), done: make(chan error, 1),
		seen: map[string]bool{}, redactions: map[string]int{},
	}
	if name == Stdout {
		w.dir = os.TempDir()
	}
	w.header.Format = FormatVersion
	w.header.scan(w.redactions)
	go func() {
		// A job's own context decides for it; the archive itself always ends in order.
		w.done <- format.ArchiveAsync(context.Background(), w.out, w.jobs)
	}()
	if err := w.addJSON(layout.Header, w.header, w.header.Started); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// CheckCreate is an error where Create would fail for what it was called
// with, before anything is done.
func CheckCreate(name string, opts CreateOptions) error {
	if _, _, err := formatOf(name); err != nil {
		return err
	}
	if sealed := strings.HasSuffix(name, encrypted); sealed != (len(opts.Recipients) > 0) && name != Stdout {
		if sealed {
			return fmt.Errorf("%s: the name is that of an encrypted bundle: say whom to encrypt to", name)
		}
		return fmt.Errorf("%s: the name of an encrypted bundle ends in %s", name, encrypted)
	}
	if _, err := os.Lstat(name); err == nil && !opts.Force && name != Stdout {
		return fmt.Errorf("%s: %w (use --force to replace it)", name, ErrExists)
	}
	return nil
}

// partial is the name of an archive that is being written.
func partial(base, unique string) string {
	return fmt.Sprintf(".%s-%d-%s.partial", base, os.Getpid(), unique)
}

// RemovePartial removes what this process has written so far of an archive
// that it can't finish, for a process that has to end at once.
func RemovePartial(name string) error {
	_, base, err := formatOf(name)
	if err != nil || name == Stdout {
		return err
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(name), partial(base, "*")))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// gzipLevel takes a twentieth off what the default one leaves, for a quarter more of its time.
const gzipLevel = 6

func formatOf(name string) (archives.ArchiverAsync, string, error) {
	base := strings.TrimSuffix(filepath.Base(name), encrypted)
	if name == Stdout {
		base = "zbundle.tgz"
	}
	gz := archives.Gz{CompressionLevel: gzipLevel, Multithreaded: true}
	for _, f := range []struct {
		ending      string
		compression archives.Compression
	}{
		{".tgz", gz},
		{".tar.gz", gz},
		{".tar.zst", archives.Zstd{}},
		{".tar", nil},
	} {
		if top, ok := strings.CutSuffix(base, f.ending); ok && top != "" {
			if f.compression == nil {
				return archives.Tar{}, top, nil
			}
			return archives.CompressedArchive{Archival: archives.Tar{}, Compression: f.compression}, top, nil
		}
	}
	return nil, "", fmt.Errorf("%s: a bundle's name ends in .tgz, .tar.gz, .tar.zst or .tar", name)
}

// Size is how many bytes the file has so far.
func (w *Writer) Size() int64 { return w.out.to.n.Load() }

// AddTask records how a task ended.
func (w *Writer) AddTask(t Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.scan(w.redactions)
	w.tasks = append(w.tasks, t)
}

func (w *Writer) addDump(d view.Dump) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dumps = append(w.dumps, d)
}

// Add writes one entry. Where reading r fails, nothing is written and the
// error is r's.
func (w *Writer) Add(ctx context.Context, e NewEntry, r io.Reader) (Entry, error) {
	s := newSpool(w.dir)
	defer s.close()
	if _, err := io.Copy(s, contextReader{ctx, r}); err != nil {
		return Entry{}, err
	}
	return w.addSpool(e, s)
}

// AddJSON writes one entry as it was served, where that is one JSON document:
// else nothing is written, and the error is ErrSyntax, or that of reading r.
func (w *Writer) AddJSON(ctx context.Context, e NewEntry, r io.Reader) (Entry, error) {
	s := newSpool(w.dir)
	defer s.close()
	if err := checkJSON(io.TeeReader(contextReader{ctx, r}, s)); err != nil {
		return Entry{}, err
	}
	return w.addSpool(e, s)
}

// Spool is an entry whose content is written rather than read, and that is
// kept or dropped at its end.
func (w *Writer) Spool(e NewEntry) *SpooledEntry {
	return &SpooledEntry{w: w, e: e, s: newSpool(w.dir)}
}

// SpooledEntry is an entry under way.
type SpooledEntry struct {
	w *Writer
	e NewEntry
	s *spool
}

// Write adds to the entry's content.
func (e *SpooledEntry) Write(p []byte) (int, error) { return e.s.Write(p) }

// Size is how many bytes were written so far.
func (e *SpooledEntry) Size() int64 { return e.s.size }

// Keep puts the entry into the archive.
func (e *SpooledEntry) Keep() (Entry, error) {
	defer e.s.close()
	return e.w.addSpool(e.e, e.s)
}

// Drop forgets the entry.
func (e *SpooledEntry) Drop() { e.s.close() }

func (w *Writer) addSpool(e NewEntry, s *spool) (Entry, error) {
	if err := w.finish(s); err != nil {
		return Entry{}, fmt.Errorf("write %s: %w", e.Path, err)
	}
	entry := Entry{Path: e.Path, SHA256: s.sum(), Bytes: s.size, Task: e.Task}
	header := &tar.Header{Typeflag: tar.TypeReg, Size: s.size}
	return entry, w.append(entry, header, e.ModTime, s.reader())
}

// finish ends an entry's content and counts what the leak scan cut out of it.
func (w *Writer) finish(s *spool) error {
	err := s.finish()
	if s.leaks == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := s.leaks.TakeFound()
	if !s.finished {
		s.finished, s.intact = true, found == nil
	}
	for kind, n := range found {
		w.redactions[redact.LeakCount(kind)] += n
	}
	return err
}

// addJSON writes a document of the bundle's own. The scan for leaks would take
// its names and counts for secrets: the free text in it was scanned by itself.
func (w *Writer) addJSON(name string, v any, mod time.Time) error {
	s := newUnscannedSpool(w.dir)
	defer s.close()
	enc := json.NewEncoder(s)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err := w.addSpool(NewEntry{Path: name, ModTime: mod}, s)
	return err
}

// append hands one entry to the goroutine that owns the tar.
func (w *Writer) append(e Entry, h *tar.Header, mod time.Time, r io.Reader) error {
	if !fs.ValidPath(e.Path) {
		return fmt.Errorf("invalid path %q", e.Path)
	}
	w.mu.Lock()
	key := strings.ToLower(e.Path)
	if w.ended || w.seen[key] {
		ended := w.ended
		w.mu.Unlock()
		if ended {
			return fmt.Errorf("add %s: the bundle is closed", e.Path)
		}
		return fmt.Errorf("add %s: the bundle has an entry of that name", e.Path)
	}
	w.seen[key] = true
	w.adding.Add(1)
	w.mu.Unlock()
	defer w.adding.Done()

	h.Name, h.Mode, h.ModTime = w.top+"/"+e.Path, 0o600, mod.UTC().Truncate(time.Second)
	result := make(chan error, 1)
	w.jobs <- archives.ArchiveAsyncJob{Result: result, File: archives.FileInfo{
		FileInfo: headerInfo{h}, NameInArchive: h.Name, LinkTarget: h.Linkname,
		Open: func() (fs.File, error) { return openedEntry{headerInfo{h}, r}, nil },
	}}
	if err := errors.Join(<-result, w.out.to.failure()); err != nil {
		return fmt.Errorf("add %s: %w", e.Path, err)
	}
	w.mu.Lock()
	w.entries = append(w.entries, e)
	w.mu.Unlock()
	return nil
}

// Close writes the manifest and puts the archive under its final name.
func (w *Writer) Close(f Final) error {
	w.mu.Lock()
	for kind, n := range f.Redactions {
		w.redactions[kind] += n
	}
	f.scan(w.redactions)
	m := Manifest{Entries: w.entries, Dumps: w.dumps, Collection: Collection{
		Format: FormatVersion, Complete: f.Complete, Incomplete: f.Incomplete, Captured: f.Captured.UTC(), ClockSource: f.ClockSource,
		Started: w.header.Started.UTC(), Finished: f.Finished.UTC(), Redactions: w.redactions, Shards: f.Shards, Clusters: f.Clusters,
		Discovery: f.Discovery, Rights: f.Rights, Cost: f.Cost, Tasks: w.tasks,
	}}
	w.mu.Unlock()
	sortManifest(&m)
	if err := w.addJSON(layout.Manifest, m, f.Finished); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.end(); err != nil {
		return errors.Join(fmt.Errorf("finish the bundle: %w", err), w.out.discard())
	}
	return w.out.commit()
}

// Abort gives the archive up and leaves no file.
func (w *Writer) Abort() error {
	_ = w.end() // the file goes, and what was wrong with it
	return w.out.discard()
}

// end closes the tar and waits for its goroutine. The library closes tar and
// compressor without a look at their errors, so the file under them keeps its own.
func (w *Writer) end() error {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return nil
	}
	w.ended = true
	w.mu.Unlock()
	w.adding.Wait()
	close(w.jobs)
	return errors.Join(<-w.done, w.out.to.failure())
}

// headerInfo makes the tar writer take a header as it is.
type headerInfo struct{ h *tar.Header }

func (i headerInfo) Name() string       { return path.Base(i.h.Name) }
func (i headerInfo) Size() int64        { return i.h.Size }
func (i headerInfo) Mode() fs.FileMode  { return fs.FileMode(i.h.Mode) }
func (i headerInfo) ModTime() time.Time { return i.h.ModTime }
func (i headerInfo) IsDir() bool        { return false }
func (i headerInfo) Sys() any           { return i.h }

type openedEntry struct {
	headerInfo
	io.Reader
}

func (e openedEntry) Stat() (fs.FileInfo, error) { return e.headerInfo, nil }
func (openedEntry) Close() error                 { return nil }

// contextReader ends a copy when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
