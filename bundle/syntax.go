package bundle

import (
	"errors"
	"fmt"
	"io"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// ErrSyntax is returned for what should be JSON and is not.
var ErrSyntax = errors.New("the answer is not valid JSON")

// SyntaxOf makes a decoder's error ErrSyntax where that is what it is.
func SyntaxOf(err error) error {
	if rawjson.IsSyntax(err) || errors.Is(err, rawjson.ErrTrailing) {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return err
}

// checkJSON reads r to its end, which has to be that of one JSON document.
func checkJSON(r io.Reader) error { return SyntaxOf(rawjson.Check(r)) }
