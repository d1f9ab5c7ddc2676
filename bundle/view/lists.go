package view

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// ErrNoLists is returned for what is not one object of lists.
var ErrNoLists = errors.New("not an object of lists")

// element is where one stands in an answer.
type element struct {
	head     string // its first bytes, which tell most elements from each other
	from, to int64
}

const headBytes = 128

// SortLists writes the object of lists that in holds in size bytes: each list
// in the order of its elements' text, one to a line. Anything else is
// ErrNoLists.
func SortLists(out io.Writer, in io.ReaderAt, size int64) error {
	split := NewSplitter(rawjson.NewDecoder(io.NewSectionReader(in, 0, size)), Options{KeepPEM: true})
	to := &stickyWriter{w: out}
	sep := "{"
	err := split.Each(func(name string) error {
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return err
		}
		to.write(sep + "\n  " + string(quoted) + ": [")
		sep = "\n  ],"
		list, err := elements(split.dec)
		if err != nil {
			return err
		}
		return copySorted(to, in, list)
	})
	if err == nil {
		if _, end := split.dec.ReadToken(); end != io.EOF || sep == "{" {
			return ErrNoLists
		}
	}
	if rawjson.IsSyntax(err) || errors.Is(err, ErrNotJSON) {
		return ErrNoLists
	}
	if err != nil {
		return err
	}
	to.write("\n  ]\n}\n")
	return to.err
}

// elements are those of the list that comes next.
func elements(dec *jsontext.Decoder) ([]element, error) {
	if dec.PeekKind() != '[' {
		return nil, ErrNoLists
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var list []element
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if len(list) == maxItems {
			return nil, ErrNoLists
		}
		end := dec.InputOffset()
		list = append(list, element{string(v[:min(len(v), headBytes)]), end - int64(len(v)), end})
	}
	_, err := dec.ReadToken()
	return list, err
}

func copySorted(to *stickyWriter, in io.ReaderAt, list []element) error {
	var failed error
	text := func(e element) []byte {
		b := make([]byte, e.to-e.from)
		_, err := in.ReadAt(b, e.from)
		failed = cmp.Or(failed, err)
		return b
	}
	slices.SortFunc(list, func(a, b element) int {
		if c := strings.Compare(a.head, b.head); c != 0 {
			return c
		}
		return bytes.Compare(text(a), text(b))
	})
	for n, e := range list {
		if n > 0 {
			to.write(",")
		}
		to.write("\n    ")
		to.bytes(text(e))
	}
	return cmp.Or(failed, to.err)
}
