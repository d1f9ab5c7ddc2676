// Package ui is how results and the progress of a command are shown to a person.
package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

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

// Note tells something before the work goes on.
func (l *Lines) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.W, text)
}

// Total says how many tasks are expected so far.
func (l *Lines) Total(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total = n
}

// Begin says that a task starts.
func (l *Lines) Begin(label string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin(label)
}

// End says that a task has ended, with the bytes received for it and those of the archive so far.
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

// Note tells something before the work goes on.
func (b *Bar) Note(text string) {
	b.Clear()
	fmt.Fprintln(b.W, text)
}

// Total says how many tasks are expected so far.
func (b *Bar) Total(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total = n
	b.draw(true)
}

// Begin says that a task starts.
func (b *Bar) Begin(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begin(label)
	b.draw(false)
}

// End says that a task has ended, with the bytes received for it and those of the archive so far.
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
