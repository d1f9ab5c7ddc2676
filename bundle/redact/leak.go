package redact

import (
	"bytes"
	"io"
)

// The leak scan is the last thing that stands between a secret and the
// bundle: it runs over every byte that is written, once where every ztunnel
// serves the same (view.CleanItems), whatever was left out of the document before.
// A hit costs the value and leaves a marker.

// Bounds of the window that the scan sees, in bytes.
const (
	leakWindow = 128 << 10
	leakAhead  = 32 << 10 // a PEM key, of 16,384 bits at most, is decided within it
	leakBehind = 8 << 10  // how far before its anchor a value may begin
)

// LeakFilter passes on what it is given without the secrets in it. It holds
// one window, however long a line is. Close passes on the rest.
type LeakFilter struct {
	w       io.Writer
	buf     []byte
	scanned int            // buf up to here was looked at
	found   map[string]int // by kind of secret
	running bool           // a value that was cut out reaches past the window
}

// NewLeakFilter passes on to w.
func NewLeakFilter(w io.Writer) *LeakFilter { return &LeakFilter{w: w} }

func (f *LeakFilter) Write(p []byte) (int, error) {
	n := len(p)
	if f.buf == nil {
		f.buf = make([]byte, 0, min(leakWindow, max(len(p), 4<<10)))
	}
	for len(p) > 0 {
		take := min(len(p), leakWindow-len(f.buf))
		f.buf = append(f.buf, p[:take]...)
		p = p[take:]
		if len(f.buf) == leakWindow {
			if err := f.pass(len(f.buf)-leakAhead, false); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// Close scans and passes on what is left. It does not close the writer below.
func (f *LeakFilter) Close() error { return f.pass(len(f.buf), true) }

// pass looks at anchors before limit, and passes on what can't be a part of a
// value any more.
func (f *LeakFilter) pass(limit int, final bool) error {
	emitted := 0
	if f.running {
		emitted = run(f.buf, f.scanned, isTokenByte)
		f.scanned, f.running = emitted, emitted == len(f.buf) && !final
	}
	var failed error
	write := func(b []byte) {
		if failed == nil {
			_, failed = f.w.Write(b)
		}
	}
	i := f.scanned
	for {
		if i = nextAnchor(f.buf, i, limit); i < 0 {
			break
		}
		hit, ok := findLeak(f.buf, i)
		if !ok || hit.from < emitted {
			i++
			continue
		}
		if f.found == nil {
			f.found = map[string]int{}
		}
		f.found[hit.kind]++
		write(f.buf[emitted:hit.from])
		write([]byte(hit.quote + "[redacted " + hit.kind + "]" + hit.quote))
		emitted, i = hit.to, hit.to
		f.running = hit.to == len(f.buf) && !final
	}
	f.scanned = max(limit, emitted)
	keep := max(emitted, f.scanned-leakBehind)
	if final {
		keep = len(f.buf)
	}
	write(f.buf[emitted:keep])
	f.buf = f.buf[:copy(f.buf, f.buf[keep:])]
	f.scanned -= keep
	return failed
}

// TakeFound counts what was cut out since it was last called, by kind of
// secret; nil for nothing.
func (f *LeakFilter) TakeFound() map[string]int {
	found := f.found
	f.found = nil
	return found
}

// IsClean is true of an item that holds no secret.
func IsClean(item []byte) bool {
	f := NewLeakFilter(io.Discard)
	if _, err := f.Write(item); err != nil {
		return false
	}
	return f.Close() == nil && f.found == nil
}

// Text scans a text that is held whole: what was cut out of it is counted in found.
func Text(text string, found map[string]int) string {
	if nextAnchor([]byte(text), 0, len(text)) < 0 {
		return text
	}
	var out bytes.Buffer
	f := NewLeakFilter(&out)
	// A buffer takes everything.
	_, _ = f.Write([]byte(text))
	_ = f.Close()
	for kind, n := range f.found {
		found[LeakCount(kind)] += n
	}
	return out.String()
}

// LeakCount is the name under which the manifest counts leaks of a kind.
func LeakCount(kind string) string { return "leaked " + kind }

// leak is a value to be cut out.
type leak struct {
	kind     string
	from, to int
	quote    string // around the marker, where JSON needs it to be a string
}

// finder decides whether a secret stands where its anchor does.
type finder func(b []byte, at int) (leak, bool)
