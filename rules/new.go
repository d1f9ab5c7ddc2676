package rules

import (
	"bytes"
	_ "embed"
	"fmt"
)

//go:embed new.yaml
var example []byte

// New is a rule file to start from, with an id of its own. It is whole: it
// loads, and its tests pass.
func New(id string) ([]byte, error) {
	if !identifier.MatchString(id) {
		return nil, fmt.Errorf("id %q is not of the form words-with-dashes", id)
	}
	return bytes.ReplaceAll(example, []byte("ID-OF-THE-RULE"), []byte(id)), nil
}
