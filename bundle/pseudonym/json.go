package pseudonym

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a document that is rewritten.
const (
	maxDepth  = 500
	maxString = 4 << 20 // bytes
)

var errNotJSON = errors.New("it is no JSON")

// container is an object or list that a document is in the middle of.
type container struct {
	member string // of the object around it, "" at the top; a list's elements are what the list is named for
	list   bool
	key    string // of the member under way
	value  bool   // a member's value comes next, not its name
}

// document rewrites the strings of a JSON document as it streams by, and
// leaves every other byte where it is.
type document struct {
	w      io.Writer
	out    []byte
	stack  []container
	quoted []byte // a string under way, from its quote on
	bare   []byte // a number, true, false or null under way
	escape bool
	// text says what becomes of a string at a place of the document.
	text func(d *document, s string, isMember bool) string
}

func (d *document) Write(p []byte) (int, error) {
	d.out = d.out[:0]
	for _, c := range p {
		if err := d.byte(c); err != nil {
			return 0, err
		}
	}
	_, err := d.w.Write(d.out)
	return len(p), err
}

// Close is an error where the document is not whole.
func (d *document) Close() error {
	if len(d.stack) > 0 || d.quoted != nil {
		return fmt.Errorf("%w: it ends too early", errNotJSON)
	}
	d.out = d.out[:0]
	if err := d.endBare(); err != nil {
		return err
	}
	_, err := d.w.Write(d.out)
	return err
}

func (d *document) byte(c byte) error {
	if d.quoted != nil {
		return d.inString(c)
	}
	switch c {
	case '{', '}', '[', ']', ',', ':', '"', ' ', '\t', '\r', '\n':
		if err := d.endBare(); err != nil {
			return err
		}
	default:
		d.bare = append(d.bare, c)
		if len(d.bare) > 400 {
			return errNotJSON
		}
		return nil
	}
	if c == '"' {
		d.quoted = append(make([]byte, 0, 64), c)
		return nil
	}
	d.out = append(d.out, c)
	return d.structure(c)
}

func (d *document) structure(c byte) error {
	top := d.top()
	switch c {
	case '{', '[':
		if len(d.stack) == maxDepth {
			return fmt.Errorf("it is nested deeper than %d", maxDepth)
		}
		d.stack = append(d.stack, container{member: d.member(), list: c == '['})
	case '}', ']':
		if len(d.stack) == 0 || top.list != (c == ']') {
			return errNotJSON
		}
		d.stack = d.stack[:len(d.stack)-1]
	case ':':
		top.value = true
	case ',':
		top.value = false
	}
	return nil
}

// top is the container under way; around everything is a list of documents.
func (d *document) top() *container {
	if len(d.stack) == 0 {
		return &container{list: true}
	}
	return &d.stack[len(d.stack)-1]
}

// member names what comes next: the member whose value it is.
func (d *document) member() string {
	if top := d.top(); !top.list {
		return top.key
	}
	return d.top().member
}

// around names the object that the member stands in, by the member that this is.
func (d *document) around() string {
	for _, c := range slices.Backward(d.stack) {
		if !c.list {
			return c.member
		}
	}
	return ""
}

func (d *document) inString(c byte) error {
	d.quoted = append(d.quoted, c)
	switch {
	case d.escape:
		d.escape = false
		return nil
	case c == '\\':
		d.escape = true
		return nil
	case c != '"':
		if len(d.quoted) > maxString {
			return fmt.Errorf("a string of it is longer than %d MB", maxString>>20)
		}
		return nil
	}
	quoted := d.quoted
	d.quoted = nil
	raw, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil && len(raw) == 0 {
		return fmt.Errorf("%w: %w", errNotJSON, err)
	}
	s := string(raw)
	top := d.top()
	isMember := !top.list && !top.value
	if isMember {
		top.key = s
	}
	if other := d.text(d, s, isMember); other != s {
		if quoted, err = jsontext.AppendQuote(nil, other); err != nil && len(quoted) == 0 {
			return err
		}
	}
	d.out = append(d.out, quoted...)
	return nil
}

func (d *document) endBare() error {
	if len(d.bare) == 0 {
		return nil
	}
	switch v := jsontext.Value(d.bare); string(v) {
	case "true", "false", "null":
	default:
		if v.Kind() != '0' || !v.IsValid() {
			return errNotJSON
		}
	}
	d.out = append(d.out, d.bare...)
	d.bare = d.bare[:0]
	return nil
}
