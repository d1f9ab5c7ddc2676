package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/internal/tempfile"
)

// spoolMemory is how much of an entry is held in memory; the rest goes to a
// temporary file, since a tar header needs the size, which a stream does not know.
const spoolMemory = 256 << 10

// spool takes one entry's content through the leak scan, and gives it back
// with its size and hash.
type spool struct {
	leaks *redact.LeakFilter
	// finished is set when the content is whole, intact where the scan cut nothing out of it.
	finished, intact bool
	dir              string
	mem              bytes.Buffer // what comes after the file's content
	file             *os.File
	hash             hash.Hash
	size             int64
}

func newSpool(dir string) *spool {
	s := &spool{dir: dir, hash: sha256.New()}
	s.leaks = redact.NewLeakFilter(writerFunc(s.put))
	return s
}

// newUnscannedSpool takes what was in a bundle before, and was scanned then, byte for byte.
func newUnscannedSpool(dir string) *spool { return &spool{dir: dir, hash: sha256.New()} }

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (s *spool) Write(p []byte) (int, error) {
	if s.leaks == nil {
		return s.put(p)
	}
	return s.leaks.Write(p)
}

// WriteClean takes what was scanned by itself before, and held no secret.
func (s *spool) WriteClean(p []byte) (int, error) {
	if err := s.finish(); err != nil {
		return 0, err
	}
	return s.put(p)
}

// finish ends the content; size, hash and reader are right from then on.
func (s *spool) finish() error {
	if s.leaks == nil {
		return nil
	}
	return s.leaks.Close()
}

func (s *spool) put(p []byte) (int, error) {
	s.hash.Write(p)
	s.size += int64(len(p))
	if s.mem.Len()+len(p) > spoolMemory {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	return s.mem.Write(p)
}

// flush moves what is in memory to the temporary file.
func (s *spool) flush() error {
	if s.file == nil {
		file, err := tempfile.Create(s.dir, ".zbundle-spool-*")
		if err != nil {
			return fmt.Errorf("make a temporary file: %w", err)
		}
		s.file = file
	}
	_, err := s.mem.WriteTo(s.file)
	return err
}

// reader gives the content from its start. Nothing is written after that.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem.Bytes())
	}
	return io.MultiReader(io.NewSectionReader(s.file, 0, s.inFile()), bytes.NewReader(s.mem.Bytes()))
}

func (s *spool) copyTo(w io.Writer) error {
	_, err := io.Copy(w, s.reader())
	return err
}

// ReadAt reads a part of the content.
func (s *spool) ReadAt(p []byte, off int64) (n int, err error) {
	at := s.inFile()
	if off < at {
		if n, err = s.file.ReadAt(p[:min(int64(len(p)), at-off)], off); err != nil {
			return n, fmt.Errorf("read back an entry: %w", err)
		}
		off = at
	}
	n += copy(p[n:], s.mem.Bytes()[min(off-at, int64(s.mem.Len())):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// inFile is how much of the content the temporary file has.
func (s *spool) inFile() int64 { return s.size - int64(s.mem.Len()) }

func (s *spool) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

func (s *spool) close() {
	if s.file != nil {
		// What was in it is in the archive, or an error was reported.
		_ = s.file.Close()
	}
}
