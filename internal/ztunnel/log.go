package ztunnel

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"time"
	"unsafe"
)

// maxLine bounds what is kept of one line, in bytes; the rest of a longer one is skipped.
const maxLine = 1 << 20

// Record is one record of a ztunnel log (src/telemetry.rs). It is the reader's,
// its lists and all of its strings included, and good until the next is read:
// clone what is kept.
type Record struct {
	Line    int // from 1
	Time    time.Time
	Level   string // "error", "warn", "info", "debug", "trace"; "" for a foreign line
	Target  string // module without "ztunnel::" and without spans: "xds::client"
	Spans   []Span // outermost first
	Message string
	Fields  []Field
	// Continuation counts the lines after Line that belong to the record.
	Continuation int
	// Raw is the record's first line, without its end.
	Raw string
}

// Span is one span that a record was written in: proxy{wl=<ns>/<pod>}.
type Span struct {
	Name   string
	Fields []Field
}

// Field is one key and value, unquoted.
type Field struct{ Key, Value string }

// Get is the value of a field, "" where the record lacks it.
func (r *Record) Get(key string) string { return fieldValue(r.Fields, key) }

// About is the pod that the record is about, "<namespace>/<pod>", or "".
func (r *Record) About() string {
	for i := range r.Spans {
		if wl := fieldValue(r.Spans[i].Fields, "wl"); wl != "" {
			return wl
		}
	}
	return ""
}

func fieldValue(fields []Field, key string) string {
	for i := range fields {
		if fields[i].Key == key {
			return fields[i].Value
		}
	}
	return ""
}

// LogReader reads a log record by record, plain or JSON, of any version.
type LogReader struct {
	in     *bufio.Reader
	long   []byte // a line longer than in's buffer
	line   int    // number of the line read last
	ahead  string // the line read last, where it belongs to the next record
	peeked bool
	record Record
}

// NewLogReader reads r, a container's log as the kubelet gives it.
func NewLogReader(r io.Reader) *LogReader {
	return &LogReader{in: bufio.NewReaderSize(r, 16<<10)}
}

// Next is the next record, or io.EOF. A line that is no record comes with an
// empty level and its text as the message; empty lines are passed over.
func (l *LogReader) Next() (*Record, error) {
	for {
		line, err := l.next()
		if err != nil {
			return nil, err
		}
		if line == "" {
			continue
		}
		if !l.parse(line) {
			l.parse(strings.Clone(line)) // the lines that follow take the place of this one
			if err := l.continued(); err != nil {
				return nil, err
			}
		}
		return &l.record, nil
	}
}

// parse fills the record; complete is false where lines that follow may be part of it.
func (l *LogReader) parse(line string) (complete bool) {
	r := &l.record
	*r = Record{Line: l.line, Raw: line, Spans: r.Spans[:0], Fields: r.Fields[:0]}
	switch {
	case line[0] == '{':
		if parseJSONRecord(r, line) {
			return true
		}
	case startsPlain(line):
		if ok, complete := parsePlainRecord(r, line); ok {
			return complete
		}
	}
	*r = Record{Line: l.line, Raw: line, Spans: r.Spans[:0], Fields: r.Fields[:0], Message: line}
	return true
}

// continued counts the lines up to the one that begins the next record, or up
// to the one that closes the message with a tab.
func (l *LogReader) continued() error {
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line != "" && (line[0] == '{' || startsPlain(line)) {
			l.ahead, l.peeked = line, true
			return nil
		}
		l.record.Continuation++
		if strings.HasSuffix(line, "\t") {
			return nil
		}
	}
}

// next gives one line without its end, cut at maxLine. The line is good until
// the next one is read: logs are most of what a bundle holds, and a copy of
// each line would cost more than all else that is done with it.
func (l *LogReader) next() (string, error) {
	if l.peeked {
		l.peeked = false
		return l.ahead, nil
	}
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.readLong(line)
	}
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return "", err
	}
	l.line++
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return unsafe.String(unsafe.SliceData(line), len(line)), nil
}

func (l *LogReader) readLong(line []byte) ([]byte, error) {
	l.long = append(l.long[:0], line...)
	for {
		line, err := l.in.ReadSlice('\n')
		if room := maxLine - len(l.long); room > 0 {
			l.long = append(l.long, line[:min(room, len(line))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, err
		}
	}
}
