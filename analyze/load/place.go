package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// keptLines bounds how many line ends a lineCounter remembers.
const keptLines = 1 << 16

// lineCounter remembers where lines end in what is read through it, so that
// an error's byte offset can be told as a line and a column.
type lineCounter struct {
	r    io.Reader
	n    int64
	past int     // lines whose ends are forgotten
	ends []int64 // offsets after the line feeds that are remembered
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for rest, at := p[:n], c.n; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		at += int64(i) + 1
		rest = rest[i+1:]
		c.ends = append(c.ends, at)
		// At twice as many, so that lines cost the same however many there are.
		if over := len(c.ends) - keptLines; over >= keptLines {
			c.ends = slices.Delete(c.ends, 0, over)
			c.past += over
		}
	}
	c.n += int64(n)
	return n, err
}

// place is the line and column of an offset, both from 1; ok is false for one that is forgotten.
func (c *lineCounter) place(offset int64) (line, column int, ok bool) {
	i, _ := slices.BinarySearch(c.ends, offset+1)
	if i == 0 && c.past > 0 {
		return 0, 0, false
	}
	start := int64(0)
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.past + i + 1, int(offset-start) + 1, true
}

// jsonNoise is what the JSON library says of itself in an error.
var jsonNoise = regexp.MustCompile(`jsontext: (read error: )?| after offset \d+`)

// plainError is an error without the JSON library's own words.
type plainError struct{ err error }

func (e plainError) Error() string { return jsonNoise.ReplaceAllString(e.err.Error(), "") }
func (e plainError) Unwrap() error { return e.err }

func plain(err error) error {
	if err == nil {
		return nil
	}
	return plainError{err}
}

// placed adds the line and column to an error about JSON.
func (c *lineCounter) placed(err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return plain(err)
	}
	line, column, ok := c.place(syntax.ByteOffset)
	if !ok {
		return fmt.Errorf("byte %d: %w", syntax.ByteOffset, plain(err))
	}
	return fmt.Errorf("line %d, column %d: %w", line, column, plain(err))
}
