package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// spoolMemory is how much of an entry is held in memory before it goes to a
// temporary file: a tar header needs the size, which a stream does not know.
const spoolMemory = 256 << 10

// spool takes one entry's content through the leak scan, and gives it back
// with its size and hash.
type spool struct {
	leaks *leakFilter
	// finished is set when the content is whole, intact where the scan cut nothing out of it.
	finished, intact bool
	dir              string
	mem              bytes.Buffer
	file             *os.File
	hash             hash.Hash
	size             int64
}

func newSpool(dir string) *spool {
	s := &spool{dir: dir, hash: sha256.New()}
	s.leaks = newLeakFilter(writerFunc(s.put))
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
	if s.file == nil && s.mem.Len()+len(p) > spoolMemory {
		file, err := os.CreateTemp(s.dir, ".zbundle-spool-*")
		if err != nil {
			return 0, fmt.Errorf("make a temporary file: %w", err)
		}
		// Without a name it can't outlive the process.
		if err := os.Remove(file.Name()); err != nil {
			return 0, err
		}
		s.file = file
		if _, err := s.mem.WriteTo(file); err != nil {
			return 0, err
		}
	}
	if s.file != nil {
		return s.file.Write(p)
	}
	return s.mem.Write(p)
}

// reader gives the content from its start.
func (s *spool) reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem.Bytes()), nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return s.file, nil
}

// slice gives a part of the content.
func (s *spool) slice(from, to int64) ([]byte, error) {
	if s.file == nil {
		return s.mem.Bytes()[from:to], nil
	}
	part := make([]byte, to-from)
	if _, err := s.file.ReadAt(part, from); err != nil {
		return nil, fmt.Errorf("read back an entry: %w", err)
	}
	return part, nil
}

func (s *spool) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

func (s *spool) close() {
	if s.file != nil {
		// What was in it is in the archive, or an error was reported.
		_ = s.file.Close()
	}
}
