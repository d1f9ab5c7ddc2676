package view

import "io"

// listWriter writes a list's elements as ztunnel indents them.
type listWriter struct {
	out  *stickyWriter
	list bool // else a map
	n    int
}

func (l *listWriter) open() {
	if l.list {
		l.out.write("[")
	} else {
		l.out.write("{")
	}
}

// item writes one element.
func (l *listWriter) item(key, item []byte) {
	l.begin(key)
	l.out.bytes(item)
}

// begin writes what stands before an element and returns where in the output that begins.
func (l *listWriter) begin(key []byte) (start int64) {
	if l.n > 0 {
		l.out.write(",")
	}
	l.n++
	l.out.write("\n    ")
	if !l.list {
		l.out.bytes(key)
		l.out.write(": ")
	}
	return l.out.n
}

func (l *listWriter) close() {
	if l.n > 0 {
		l.out.write("\n  ")
	}
	if l.list {
		l.out.write("]")
	} else {
		l.out.write("}")
	}
}

// CleanWriter takes what was scanned for secrets before apart from what was not.
type CleanWriter interface {
	io.Writer
	WriteClean(p []byte) (int, error)
}

// stickyWriter keeps the first error, so that a run of writes is checked once.
type stickyWriter struct {
	w   io.Writer
	n   int64
	err error
}

func (s *stickyWriter) Write(p []byte) (int, error) {
	s.bytes(p)
	return len(p), s.err
}

func (s *stickyWriter) bytes(b []byte) { s.to(s.w.Write, b) }

// clean writes what needs no leak scan, where there is one.
func (s *stickyWriter) clean(b []byte) {
	if to, ok := s.w.(CleanWriter); ok {
		s.to(to.WriteClean, b)
	} else {
		s.bytes(b)
	}
}

func (s *stickyWriter) to(write func([]byte) (int, error), b []byte) {
	if s.err == nil {
		_, s.err = write(b)
		s.n += int64(len(b))
	}
}

func (s *stickyWriter) write(text string) { s.bytes([]byte(text)) }
