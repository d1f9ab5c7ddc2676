// Package rawjson reads JSON as processes of a mesh serve it, with duplicate
// names and invalid UTF-8, and edits values without touching any other byte.
package rawjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Lenient takes duplicate names and invalid UTF-8 as they are.
func Lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// NewDecoder reads tokens and values from r, leniently.
func NewDecoder(r io.Reader) *jsontext.Decoder { return jsontext.NewDecoder(r, Lenient()) }

// IsSyntax is true of the error of text that is not JSON, and not of text that
// ends too early.
func IsSyntax(err error) bool {
	var syntax *jsontext.SyntacticError
	return errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// Check reads r to its end, which has to be that of one JSON document. A
// document that ends too early is io.ErrUnexpectedEOF.
func Check(r io.Reader) error {
	dec := NewDecoder(r)
	for values := 0; ; {
		_, err := dec.ReadToken()
		switch {
		case err == io.EOF && values == 0:
			return io.ErrUnexpectedEOF
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if dec.StackDepth() == 0 {
			if values++; values > 1 {
				return ErrTrailing
			}
		}
	}
}

// ErrTrailing is returned for text that goes on after its JSON document.
var ErrTrailing = errors.New("something follows the document")

// Bounds on what is decoded whole, of which a few bytes can cost hundreds in
// memory. Five thousand nodes need 200,000 objects.
const (
	maxObjects = 250_000
	maxValues  = 4_000_000 // counted by their commas
)

// DecodeBounded decodes a document of at most limit bytes, and of no more
// objects and values than a bundle of the largest mesh needs.
func DecodeBounded(r io.Reader, limit int64, to any) error {
	return json.UnmarshalRead(&boundedText{r: r, limit: limit}, to, Lenient())
}

// boundedText gives up on a text that exceeds its bounds.
type boundedText struct {
	r               io.Reader
	limit, bytes    int64
	objects, values int
}

func (b *boundedText) Read(p []byte) (int, error) {
	if b.objects > maxObjects || b.values > maxValues {
		return 0, fmt.Errorf("it holds more than %d objects or %d values", maxObjects, maxValues)
	}
	if b.bytes >= b.limit {
		return 0, fmt.Errorf("it exceeds the %d MB limit", b.limit>>20)
	}
	n, err := b.r.Read(p)
	b.bytes += int64(n)
	b.objects += bytes.Count(p[:n], []byte{'{'})
	b.values += bytes.Count(p[:n], []byte{','})
	return n, err
}

// Edit is what becomes of a value.
type Edit func(jsontext.Value) []byte

// EditMembers rewrites members of an object and keeps every other byte. What
// is no object is returned as it is.
func EditMembers(v jsontext.Value, edits map[string]Edit) []byte {
	if v.Kind() != '{' {
		return v
	}
	dec := NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return v
	}
	var out []byte
	copied := int64(0)
	for dec.PeekKind() == '"' {
		key, err := dec.ReadToken()
		if err != nil {
			return v
		}
		edit := edits[key.String()]
		member, err := dec.ReadValue()
		if err != nil {
			return v
		}
		if edit == nil {
			continue
		}
		end := dec.InputOffset()
		out = append(out, v[copied:end-int64(len(member))]...)
		out = append(out, edit(member)...)
		copied = end
	}
	return append(out, v[copied:]...)
}

// ReplaceMember puts another member, its name included, in the place of an
// object's first one of that name.
func ReplaceMember(v jsontext.Value, name string, member Edit) []byte {
	if v.Kind() != '{' {
		return v
	}
	dec := NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return v
	}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadValue()
		if err != nil {
			return v
		}
		at, found := dec.InputOffset()-int64(len(key)), string(key) == `"`+name+`"`
		value, err := dec.ReadValue()
		if err != nil {
			return v
		}
		if found {
			return bytes.Join([][]byte{v[:at], member(value), v[dec.InputOffset():]}, nil)
		}
	}
	return v
}

// EditElements rewrites the elements of an array and keeps every other byte.
// What is no array is returned as it is.
func EditElements(v jsontext.Value, edit Edit) []byte {
	if v.Kind() != '[' {
		return v
	}
	dec := NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return v
	}
	var out []byte
	copied := int64(0)
	for dec.PeekKind() != ']' {
		element, err := dec.ReadValue()
		if err != nil {
			return v
		}
		end := dec.InputOffset()
		out = append(out, v[copied:end-int64(len(element))]...)
		out = append(out, edit(element)...)
		copied = end
	}
	return append(out, v[copied:]...)
}
