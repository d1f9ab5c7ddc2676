package foreign

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// The lines that istioctl bug-report puts around a previous container's log
// (istio/istio tools/bug-report/pkg/bugreport/bugreport.go, getLog).
var (
	previousFollows = []byte("========= Previous log present")
	previousBegins  = []byte("========= Previous log ====")
)

// logParts reads a log up to the previous one that is appended to it, and
// after a call of previous that one. Lines keep their numbers in the file:
// what is another part's is an empty line.
type logParts struct {
	in      *bufio.Reader
	pending []byte
	lines   int
	ended   bool // this part
	eof     bool
	inLine  bool // the next bytes go on with a line
}

func newLogParts(r io.Reader) *logParts { return &logParts{in: bufio.NewReaderSize(r, 64<<10)} }

func (l *logParts) Read(p []byte) (int, error) {
	for len(l.pending) == 0 {
		if l.ended || l.eof {
			return 0, io.EOF
		}
		piece, err := l.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			l.eof = true
			if !errors.Is(err, io.EOF) {
				return 0, err
			}
		}
		whole := bytes.HasSuffix(piece, []byte("\n"))
		first := !l.inLine
		l.inLine = !whole
		if whole {
			l.lines++
		}
		switch {
		case first && bytes.HasPrefix(piece, previousFollows):
			l.pending = []byte("\n")
		case first && bytes.HasPrefix(piece, previousBegins):
			l.ended = true
		default:
			l.pending = piece
		}
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

// previous goes on to the previous log, if there is one.
func (l *logParts) previous() bool {
	if _, err := io.Copy(io.Discard, l); err != nil || !l.ended {
		return false
	}
	l.ended = false
	l.pending = bytes.Repeat([]byte("\n"), l.lines)
	return true
}
