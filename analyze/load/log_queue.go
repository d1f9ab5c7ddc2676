package load

import (
	"errors"
	"io"
	"runtime"

	"github.com/zbundle/zbundle/bundle"
)

// logQueue reads ztunnels' logs beside the walk through the bundle: they are
// most of its bytes. What came of them is taken in the order of the entries.
type logQueue struct {
	pending []*logRun
	free    chan []byte
}

// logRun is one log under way.
type logRun struct {
	chunks chan logChunk
	rest   []byte // of the chunk that is being read
	chunk  []byte
	free   chan []byte
	err    error // that ended the chunks
	done   chan struct{}
	take   func() // what came of it, once it is done
}

// logChunk is a part of a log, or the error that ended it.
type logChunk struct {
	text []byte
	err  error
}

const (
	logChunkSize = 128 << 10
	chunksAhead  = 4 // of one log that is read faster than it is parsed
)

// read hands an entry's text to parse, which gives what is to be done with the
// result. It returns as soon as the text is read; parse may still be at work.
func (q *logQueue) read(f bundle.File, parse func(io.Reader) (take func())) {
	if q.free == nil {
		q.free = make(chan []byte, 2*chunksAhead*runtime.GOMAXPROCS(0))
	}
	run := &logRun{chunks: make(chan logChunk, chunksAhead), free: q.free, done: make(chan struct{})}
	go func() {
		defer close(run.done)
		run.take = parse(run)
		for range run.chunks { // that parse gave up on
		}
	}()
	run.feed(f.Reader)
	q.pending = append(q.pending, run)
	if len(q.pending) > runtime.GOMAXPROCS(0) {
		q.first()
	}
}

func (r *logRun) feed(text io.Reader) {
	defer close(r.chunks)
	for {
		var chunk []byte
		select {
		case chunk = <-r.free:
		default:
			chunk = make([]byte, logChunkSize)
		}
		n, err := io.ReadFull(text, chunk)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		r.chunks <- logChunk{chunk[:n], err}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader for the parser.
func (r *logRun) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.chunk != nil {
			select {
			case r.free <- r.chunk[:cap(r.chunk)]:
			default:
			}
			r.chunk = nil
		}
		if r.err != nil {
			return 0, r.err
		}
		next := <-r.chunks
		r.chunk, r.rest, r.err = next.text, next.text, next.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// first waits for the log that was read first, and takes what came of it.
func (q *logQueue) first() {
	run := q.pending[0]
	q.pending = q.pending[1:]
	<-run.done
	run.take()
}

// finish takes what came of all logs.
func (q *logQueue) finish() {
	for len(q.pending) > 0 {
		q.first()
	}
}
