package bundle

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/layout"
)

// AddLists stores an answer of lists, out of hash maps, that several istiods
// give alike, and each of them again at the second look: every list in the
// order of its elements' text, one to a line, and equal answers once. Anything
// else that is JSON is stored as it was served.
func (w *Writer) AddLists(ctx context.Context, e NewEntry, r io.Reader) (Entry, error) {
	served, err := w.served(ctx, r)
	if err != nil {
		return Entry{}, err
	}
	defer served.close()
	s := newSpool(w.dir)
	defer s.close()
	err = sortLists(s, served)
	if err == nil {
		return w.addView(layout.KindAmbientz, e, s, nil)
	}
	in, errRead := served.reader()
	if !errors.Is(err, errNoLists) || errRead != nil {
		return Entry{}, cmp.Or(errRead, err)
	}
	return w.AddJSON(ctx, e, in)
}

// served takes an answer as it came, to read it more than once.
func (w *Writer) served(ctx context.Context, r io.Reader) (*spool, error) {
	s := newUnscannedSpool(w.dir)
	if _, err := io.Copy(s, contextReader{ctx, r}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// errNoLists is returned for what is not one object of lists.
var errNoLists = errors.New("not an object of lists")

// element is where one stands in an answer.
type element struct {
	head     string // its first bytes, which tell most elements from each other
	from, to int64
}

const headBytes = 128

// sortLists writes an object of lists with each list's elements in order.
func sortLists(out io.Writer, in *spool) error {
	r, err := in.reader()
	if err != nil {
		return err
	}
	split := &dumpSplitter{dec: jsontext.NewDecoder(r, decodeOptions()...)}
	to := &stickyWriter{w: out}
	sep := "{"
	err = split.each(func(name string) error {
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
			return errNoLists
		}
	}
	if isSyntax(err) || errors.Is(err, ErrNotJSON) {
		return errNoLists
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
		return nil, errNoLists
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
			return nil, errNoLists
		}
		end := dec.InputOffset()
		list = append(list, element{string(v[:min(len(v), headBytes)]), end - int64(len(v)), end})
	}
	_, err := dec.ReadToken()
	return list, err
}

func copySorted(to *stickyWriter, in *spool, list []element) error {
	var failed error
	text := func(e element) []byte {
		b, err := in.slice(e.from, e.to)
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
