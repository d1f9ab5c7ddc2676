package view

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// ErrNotJSON is returned for an answer that is no JSON object at all.
var ErrNotJSON = errors.New("the answer is not a JSON object")

// Options say how an answer is put into the form that is stored.
type Options struct {
	KeepPEM bool // keep certificates whole, and not only the facts in them
	// Clean remembers the items that were scanned for secrets; nil for none.
	Clean *CleanItems
}

// Splitter reads one JSON object, and copies its members to files of their own.
type Splitter struct {
	dec  *jsontext.Decoder
	opts Options
	// withheld names what was taken out of the members copied so far.
	withheld []string
}

// NewSplitter reads the object that comes next in dec.
func NewSplitter(dec *jsontext.Decoder, opts Options) *Splitter {
	return &Splitter{dec: dec, opts: opts}
}

// Withheld names what was taken out of the members copied so far.
func (s *Splitter) Withheld() []string { return s.withheld }

// canonical puts a value into the form that is stored, and notes what that leaves out.
func (s *Splitter) canonical(section string, v jsontext.Value) []byte {
	out, withheld := canonical(section, v, s.opts.KeepPEM)
	if withheld != "" && !slices.Contains(s.withheld, withheld) {
		s.withheld = append(s.withheld, withheld)
	}
	return out
}

// Each calls fn for each member, whose value fn has to read.
func (s *Splitter) Each(fn func(section string) error) error {
	if kind := s.dec.PeekKind(); kind != '{' {
		if _, err := s.dec.ReadToken(); err != nil && !rawjson.IsSyntax(err) {
			return err
		}
		return ErrNotJSON
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	for s.dec.PeekKind() == '"' {
		token, err := s.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := fn(token.String()); err != nil {
			return err
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

// CopySection writes {"<section>": <value>}. Lists go element by element, so
// that no more than one workload is in memory, in the indentation that
// ztunnel prints them in; everything else goes as it was served. What it
// returns is the index of a list that ztunnels share.
func (s *Splitter) CopySection(w io.Writer, section string) (*Index, error) {
	return s.copyMember(w, section, slices.Contains(Shared, section))
}

// CopyList writes any list as CopySection does one that ztunnels share.
func (s *Splitter) CopyList(w io.Writer, section string) (*Index, error) {
	return s.copyMember(w, section, true)
}

// CopyOnlyList is CopyList for an object that has one member. Of any other, or
// where that is no list, the error is ErrNotShared.
func (s *Splitter) CopyOnlyList(w io.Writer) (index *Index, err error) {
	members := 0
	err = s.Each(func(section string) (err error) {
		if members++; members > 1 {
			return ErrNotShared
		}
		index, err = s.CopyList(w, section)
		return err
	})
	if err == nil && !index.IsList() {
		err = ErrNotShared
	}
	return index, err
}

func (s *Splitter) copyMember(w io.Writer, section string, indexed bool) (*Index, error) {
	name, err := jsontext.AppendQuote(nil, section)
	if err != nil {
		return nil, err
	}
	out := &stickyWriter{w: w}
	out.write(sectionHead(name))
	var index *Index
	switch kind := s.dec.PeekKind(); {
	case kind == '[' || kind == '{' && slices.Contains(Shared, section):
		index = &Index{list: kind == '[', indexed: indexed}
		err = s.copyElements(out, section, index)
	default:
		var v jsontext.Value
		if v, err = s.dec.ReadValue(); err == nil {
			out.bytes(s.canonical(section, v))
		}
	}
	out.write(sectionTail)
	return index, errors.Join(err, out.err)
}

// A section's file is its value between these two.
func sectionHead(quoted []byte) string { return "{\n  " + string(quoted) + ": " }

const sectionTail = "\n}\n"

func (s *Splitter) copyElements(out *stickyWriter, section string, index *Index) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	list := &listWriter{out: out, list: index.list}
	list.open()
	for {
		if kind := s.dec.PeekKind(); kind == ']' || kind == '}' {
			list.close()
			_, err := s.dec.ReadToken()
			return err
		}
		var key jsontext.Value
		if !index.list {
			k, err := s.dec.ReadValue()
			if err != nil {
				return err
			}
			key = bytes.Clone(k)
		}
		v, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		if index.comparable() {
			item, hash, clean := s.sharedItem(section, v)
			start := list.begin(nil)
			if clean {
				out.clean(item)
			} else {
				out.bytes(item)
			}
			index.add(hash, start, out.n)
		} else {
			list.item(key, s.canonical(section, v))
		}
		if out.err != nil {
			return out.err
		}
	}
}
