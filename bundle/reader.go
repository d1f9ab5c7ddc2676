package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/mholt/archives"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/tempfile"
)

// Bounds on what a bundle from a stranger may cost.
const (
	maxEntries   = 300_000 // five thousand nodes have a third of that
	maxEntrySize = 2 << 30
	maxTotal     = 64 << 30
	// A real bundle's logs and dumps compress by less than a hundred; a bomb by a thousand.
	maxRatio     = 300
	ratioMatters = 1 << 30
)

// File is one entry as it streams by. Reader is valid until the next; it is
// nil for a hard link, whose content is that of the entry at Link.
type File struct {
	Path    string // without the archive's top folder
	Origin  string // where the content stands in what the user gave, if that is no path of a bundle
	Link    string
	Size    int64
	ModTime time.Time
	Reader  io.Reader
}

// Problem is an entry that was refused, or a place where reading had to stop.
type Problem struct {
	Path string `json:"path"`
	Text string `json:"text"`
	// Repaired is true of what could be read all the same: nothing is missing for it.
	Repaired bool `json:"-"`
}

// Reader reads a bundle: an archive in any form that Writer writes, or a
// folder that one was extracted to. It never writes to disk.
type Reader struct {
	name     string
	folder   bool
	problems []Problem
	repaired []Problem // of any walk
	// identities can open an encrypted bundle.
	identities []age.Identity
	stdin      *os.File // a file that is open, and may have no name
}

// Open looks at name and tells what it is; a file that is no bundle is an
// error that says what it looks like. Identities open an encrypted one.
func Open(name string, identities ...age.Identity) (*Reader, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file", name)
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{name: name, folder: info.IsDir(), identities: identities}
	if r.folder {
		return r, nil
	}
	return r, r.check()
}

// OpenStream takes a bundle from a stream, as stdin is, into a temporary file
// that goes with the process: a bundle is read more than once.
func OpenStream(in io.Reader, identities ...age.Identity) (*Reader, error) {
	file, err := tempfile.Create("", "zbundle-stdin-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if _, err := io.Copy(file, io.LimitReader(in, maxTotal)); err != nil {
		return nil, errors.Join(fmt.Errorf("read stdin: %w", err), file.Close())
	}
	r := &Reader{name: "stdin", stdin: file, identities: identities}
	return r, r.check()
}

// OpenFile takes a bundle from a file that is open already, and stays so.
func OpenFile(file *os.File, identities ...age.Identity) (*Reader, error) {
	r := &Reader{name: file.Name(), stdin: file, identities: identities}
	return r, r.check()
}

// check is an error for what is no archive.
func (r *Reader) check() error {
	file, err := r.open()
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := r.decompress(bufio.NewReader(file)); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

func (r *Reader) open() (io.ReadCloser, error) {
	if r.stdin == nil {
		return os.Open(r.name)
	}
	info, err := r.stdin.Stat()
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.NewSectionReader(r.stdin, 0, info.Size())), nil
}

// Problems are what the last Walk had to refuse, and what any had to repair.
func (r *Reader) Problems() []Problem { return slices.Concat(r.repaired, r.problems) }

func (r *Reader) problem(path, format string, args ...any) {
	const most = 1000
	if len(r.problems) < most {
		r.problems = append(r.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
	}
}

// Walk gives every entry to fn in the bundle's order. Bad entries and a cut
// end are problems; the error is fn's, or the context's.
func (r *Reader) Walk(ctx context.Context, fn func(File) error) error {
	return r.walk(ctx, func(f File) error {
		if f.Path == layout.Manifest && f.Reader != nil {
			f.Reader = &manifestRepair{r: f.Reader, repaired: r.manifestRepaired}
		}
		return fn(f)
	})
}

// walk is Walk with a manifest that is not repaired.
func (r *Reader) walk(ctx context.Context, fn func(File) error) error {
	r.problems = nil
	if r.folder {
		return r.walkFolder(ctx, fn)
	}
	file, err := r.open()
	if err != nil {
		return err
	}
	defer file.Close()
	compressed := &meter{r: file}
	stream, err := r.decompress(bufio.NewReaderSize(compressed, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	defer stream.Close()
	a := &archiveWalk{r: r, fn: fn, links: map[string]string{}, seen: map[[16]byte]struct{}{}}
	limited := &bombGuard{r: stream, in: compressed}
	err = archives.Tar{}.Extract(ctx, limited, a.entry)
	switch {
	case a.failed != nil:
		return a.failed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errTooMuch):
		r.problem(r.name, "reading stopped: %v", err)
	case err != nil:
		r.problem(r.name, "the archive is cut off or broken after %s: %v; what stands before it was read", orStart(a.last), err)
	}
	if a.entries == 0 && err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

func orStart(last string) string {
	if last == "" {
		return "its start"
	}
	return last
}

var errFound = errors.New("found")

// header reads zbundle.json, which is an archive's first entry.
func (r *Reader) header(ctx context.Context) (*Header, error) {
	var h *Header
	err := r.Walk(ctx, func(f File) (err error) {
		if f.Path != layout.Header || f.Reader == nil {
			return nil
		}
		if h, err = DecodeHeader(f.Reader); err != nil {
			return err
		}
		return errFound
	})
	if h != nil && errors.Is(err, errFound) {
		return h, nil
	}
	if err == nil {
		err = fmt.Errorf("it is not a bundle: it holds no %s", layout.Header)
	}
	return nil, err
}

// archiveWalk takes one archive's entries one after the other.
type archiveWalk struct {
	r       *Reader
	fn      func(File) error
	top     string
	topSet  bool
	seen    map[[16]byte]struct{} // by nameKey
	links   map[string]string
	entries int
	last    string
	failed  error
}

var errTooMuch = errors.New("it exceeds the limits of a bundle")

func (a *archiveWalk) entry(_ context.Context, info archives.FileInfo) error {
	h, ok := info.Header.(*tar.Header)
	if !ok {
		return fmt.Errorf("unexpected header %T", info.Header)
	}
	a.entries++
	if a.entries > maxEntries {
		return fmt.Errorf("%w: over %d entries", errTooMuch, maxEntries)
	}
	name, ok := a.name(h.Name)
	if !ok {
		a.r.problem(h.Name, "refused: its path leaves the bundle's folder")
		return nil
	}
	if name == "" || h.Typeflag == tar.TypeDir {
		return nil
	}
	key := nameKey(name)
	if _, twice := a.seen[key]; twice {
		a.r.problem(name, "refused: a second entry of that name")
		return nil
	}
	linked := a.linkTarget(h)
	a.seen[key] = struct{}{}
	a.last = name
	f := File{Path: name, Size: h.Size, ModTime: h.ModTime}
	switch h.Typeflag {
	case tar.TypeReg:
		if h.Size > maxEntrySize {
			a.r.problem(name, "refused: %d bytes exceed the limit of an entry, %d GB", h.Size, int64(maxEntrySize)>>30)
			return nil
		}
		content, err := info.Open()
		if err != nil {
			return err
		}
		f.Reader = content
	case tar.TypeLink:
		if linked == "" {
			a.r.problem(name, "refused: a link to %q, which is no entry before it", h.Linkname)
			return nil
		}
		a.links[name] = linked
		f.Link = linked
	default:
		a.r.problem(name, "refused: neither a file nor a hard link (type %q)", h.Typeflag)
		return nil
	}
	if err := a.fn(f); err != nil {
		a.failed = err
		return fs.SkipAll
	}
	return nil
}

// linkTarget is the file behind a hard link to an earlier entry, "" for any other.
func (a *archiveWalk) linkTarget(h *tar.Header) string {
	if h.Typeflag != tar.TypeLink {
		return ""
	}
	target, ok := a.name(h.Linkname)
	if !ok {
		return ""
	}
	if _, before := a.seen[nameKey(target)]; !before {
		return ""
	}
	if first := a.links[target]; first != "" {
		return first
	}
	return target
}

// nameKey tells names apart as a file system does that knows no case.
func nameKey(name string) [16]byte {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return [16]byte(sum[:])
}

// name takes the top folder off a path, and refuses what leaves it.
func (a *archiveWalk) name(p string) (string, bool) {
	if p == "" || path.IsAbs(p) || strings.Contains(p, `\`) || !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) {
		return "", false
	}
	for _, part := range strings.Split(p, "/") {
		if part == ".." {
			return "", false
		}
	}
	p = path.Clean(p)
	if p == "." {
		return "", true
	}
	first, rest, _ := strings.Cut(p, "/")
	if !a.topSet {
		a.topSet = true
		if !layout.IsTop(first) { // else it was packed without its folder
			a.top = first
		}
	}
	if a.top == "" {
		return p, true
	}
	return rest, first == a.top
}

// decompress tells an archive by its first bytes.
func (r *Reader) decompress(in *bufio.Reader) (io.ReadCloser, error) {
	head, err := in.Peek(512)
	if plain, sealed, err := unseal(head, in, r.identities); err != nil {
		return nil, err
	} else if sealed {
		in = bufio.NewReaderSize(plain, 1<<20)
		head, _ = in.Peek(512)
	}
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errors.New("the file is empty")
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return archives.Gz{}.OpenReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return archives.Zstd{}.OpenReader(in)
	case len(head) > 262 && bytes.HasPrefix(head[257:], []byte("ustar")):
		return io.NopCloser(in), nil
	}
	return nil, fmt.Errorf("not a bundle: it looks like %s", lookslike(head))
}

// lookslike names what people hand over by mistake.
func lookslike(head []byte) string {
	text := strings.TrimSpace(string(head))
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "a JSON file"
	case strings.HasPrefix(strings.ToLower(text), "<!doctype"), strings.HasPrefix(strings.ToLower(text), "<html"):
		return "a web page, perhaps of a login"
	case strings.HasPrefix(text, "apiVersion:"):
		return "a Kubernetes manifest or kubeconfig"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip archive; unpack it and give the bundle that is in it"
	case !bytes.ContainsFunc(head, func(r rune) bool { return r == utf8.RuneError || r < ' ' && !unicode.IsSpace(r) }):
		return "a text file"
	}
	return "something else (neither gzip, zstd nor tar)"
}

// meter counts what was read.
type meter struct {
	r io.Reader
	n int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	return n, err
}

// bombGuard ends a stream that grows out of all proportion.
type bombGuard struct {
	r  io.Reader
	in *meter
	n  int64
}

func (g *bombGuard) Read(p []byte) (int, error) {
	if g.n > maxTotal {
		return 0, fmt.Errorf("%w: over %d GB", errTooMuch, maxTotal>>30)
	}
	if g.n > ratioMatters && g.n/max(g.in.n, 1) > maxRatio {
		return 0, fmt.Errorf("%w: it unpacks to over %d times its size", errTooMuch, maxRatio)
	}
	n, err := g.r.Read(p)
	g.n += int64(n)
	return n, err
}
