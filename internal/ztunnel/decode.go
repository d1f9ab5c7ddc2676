package ztunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// Bounds on foreign JSON: a few bytes of it can cost hundreds in memory. A
// mesh of 100,000 workloads stays far below.
const (
	maxValue    = 8 << 20   // bytes of one string, or of one value that is taken whole
	maxBytes    = 512 << 20 // of a file that is taken whole
	maxMembers  = 16 << 20  // values of such a file, told by commas and brackets
	maxElements = 160_000   // of one list: Kubernetes takes clusters of up to 150,000 pods
)

// AtMost lets as many values of a type be decoded as a list may have
// elements, wherever they stand.
func AtMost[T any]() *json.Unmarshalers {
	left := maxElements
	return json.UnmarshalFromFunc(func(*jsontext.Decoder, *T) error {
		if left--; left < 0 {
			return fmt.Errorf("it has more than %d of them, which no mesh has", maxElements)
		}
		return errors.ErrUnsupported // and goes on as without this function
	})
}

// NewDecoder reads a file of foreign JSON that is taken into memory: it stops
// at a value, or at a number of them, that no mesh has.
func NewDecoder(r io.Reader) *jsontext.Decoder {
	b := &boundedReader{r: r, whole: true}
	b.dec = jsontext.NewDecoder(b, rawjson.Lenient())
	return b.dec
}

// NewStreamDecoder is NewDecoder for a file of any length, which the caller
// takes no more of than it bounds itself.
func NewStreamDecoder(r io.Reader) *jsontext.Decoder {
	b := &boundedReader{r: r}
	b.dec = jsontext.NewDecoder(b, rawjson.Lenient())
	return b.dec
}

// boundedReader feeds a decoder, whose buffer grows to hold what it has not
// decoded yet.
type boundedReader struct {
	r       io.Reader
	dec     *jsontext.Decoder
	n       int64
	members int
	whole   bool
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.n-b.dec.InputOffset() > maxValue {
		return 0, fmt.Errorf("byte %d: a value is larger than %d MB, which none of a mesh is", b.dec.InputOffset(), maxValue>>20)
	}
	if b.whole && b.members > maxMembers {
		return 0, fmt.Errorf("it holds more than %d million values, which no mesh does", maxMembers>>20)
	}
	if b.whole && b.n > maxBytes {
		return 0, fmt.Errorf("it is larger than %d MB, which none of a mesh is", maxBytes>>20)
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.whole {
		for _, sign := range []byte(",{[") {
			b.members += bytes.Count(p[:n], []byte{sign})
		}
	}
	return n, err
}
