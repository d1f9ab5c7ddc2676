package bundle

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrSyntax is returned for what should be JSON and is not.
var ErrSyntax = errors.New("the answer is not valid JSON")

// SyntaxOf makes a decoder's error ErrSyntax where that is what it is.
func SyntaxOf(err error) error {
	if isSyntax(err) {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return err
}

// checkJSON reads r to its end, which has to be that of one JSON document. A
// document that ends too early is io.ErrUnexpectedEOF.
func checkJSON(r io.Reader) error {
	dec := jsontext.NewDecoder(r, decodeOptions()...)
	for values := 0; ; {
		_, err := dec.ReadToken()
		switch {
		case err == io.EOF && values == 0:
			return io.ErrUnexpectedEOF
		case err == io.EOF:
			return nil
		case err != nil:
			return SyntaxOf(err)
		}
		if dec.StackDepth() == 0 {
			if values++; values > 1 {
				return fmt.Errorf("%w: something follows the document", ErrSyntax)
			}
		}
	}
}
