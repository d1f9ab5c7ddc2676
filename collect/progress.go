package collect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Progress is told what a run is doing. Its methods may be called from many
// goroutines at once.
type Progress interface {
	Note(text string)                          // something to tell before the work goes on, of one or more lines
	Total(tasks int)                           // expected so far
	Begin(label string)                        // a task starts
	End(label string, received, archive int64) // a task has ended; bytes received for it, bytes of the archive so far
}

// Quiet tells nothing.
type Quiet struct{}

func (Quiet) Note(string)              {}
func (Quiet) Total(int)                {}
func (Quiet) Begin(string)             {}
func (Quiet) End(string, int64, int64) {}

// Lines prints a line now and then, for logs and pipes.
type Lines struct {
	W io.Writer
	// Every is how often at most; 0 stands for five seconds.
	Every time.Duration

	counts
	printed time.Time
}

// Bar redraws one line on a terminal.
type Bar struct {
	W io.Writer
	// Width is the terminal's, in columns; 0 stands for 80.
	Width int

	counts
	drawn time.Time
	shown bool
}

// counts is the one model behind every way of showing it.
type counts struct {
	mu          sync.Mutex
	total, done int
	received    int64
	archive     int64
	current     []string
}

func (c *counts) begin(label string) { c.current = append(c.current, label) }

func (c *counts) end(label string, received, archive int64) {
	c.done++
	c.received += received
	c.archive = archive
	if at := slices.Index(c.current, label); at >= 0 {
		c.current = slices.Delete(c.current, at, at+1)
	}
	c.total = max(c.total, c.done)
}

// Note implements Progress.
func (l *Lines) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.W, text)
}

// Total implements Progress.
func (l *Lines) Total(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total = n
}

// Begin implements Progress.
func (l *Lines) Begin(label string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin(label)
}

// End implements Progress.
func (l *Lines) End(label string, received, archive int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(label, received, archive)
	every := l.Every
	if every == 0 {
		every = 5 * time.Second
	}
	if now := time.Now(); now.Sub(l.printed) >= every {
		l.printed = now
		fmt.Fprintf(l.W, "collected %d of %d, %s received, last %s\n", l.done, l.total, Size(l.received), label)
	}
}

// Note implements Progress.
func (b *Bar) Note(text string) {
	b.Clear()
	fmt.Fprintln(b.W, text)
}

// Total implements Progress.
func (b *Bar) Total(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total = n
	b.draw(true)
}

// Begin implements Progress.
func (b *Bar) Begin(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begin(label)
	b.draw(false)
}

// End implements Progress.
func (b *Bar) End(label string, received, archive int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(label, received, archive)
	b.draw(false)
}

// Clear takes the bar off the screen, before anything else is printed.
func (b *Bar) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		fmt.Fprint(b.W, "\r\x1b[K")
		b.shown = false
	}
}

func (b *Bar) draw(now bool) {
	const frame = 100 * time.Millisecond
	if !now && time.Since(b.drawn) < frame {
		return
	}
	b.drawn, b.shown = time.Now(), true
	fmt.Fprint(b.W, "\r\x1b[K"+b.line())
}

func (b *Bar) line() string {
	const cells = 24
	width := b.Width
	if width == 0 {
		width = 80
	}
	filled := 0
	if b.total > 0 {
		filled = min(cells, b.done*cells/b.total)
	}
	text := fmt.Sprintf("[%s%s] %d/%d  %s", strings.Repeat("#", filled), strings.Repeat("-", cells-filled), b.done, b.total, Size(b.received))
	if len(b.current) > 0 {
		text += "  " + strings.Join(b.current, ", ")
	}
	if len(text) > width-1 {
		text = text[:width-1]
	}
	return text
}

// Size is a number of bytes for people.
func Size(n int64) string {
	switch {
	case n < kb:
		return fmt.Sprintf("%d B", n)
	case n < mb:
		return fmt.Sprintf("%.1f KB", float64(n)/kb)
	case n < 1024*mb:
		return fmt.Sprintf("%.1f MB", float64(n)/mb)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1024*mb))
}
