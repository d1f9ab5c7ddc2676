package rules

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

//go:embed proven.lock
var proven []byte

// Proof is what a built-in rule was last tried on, whole: collected, analyzed
// and compared with what had been done to the mesh.
type Proof struct {
	Hash string `json:"hash"` // of the rule as it was then, without its tests
	// Versions are those of recorded ztunnels over which it decided; Found is
	// what it found something in: planted faults, and recorded worlds as "<version>/<world>".
	Versions []string `json:"versions"`
	Found    []string `json:"found"`
}

// Proofs of the built-in rules by id, from proven.lock, which `make prove` writes.
func Proofs() (map[string]Proof, error) {
	var out map[string]Proof
	if err := json.Unmarshal(proven, &out); err != nil {
		return nil, fmt.Errorf("proven.lock: %w", err)
	}
	return out, nil
}

// hash of a rule file without its tests, which prove nothing about the mesh.
func hash(data []byte) string {
	text, _, _ := bytes.Cut(data, []byte("\ntests:"))
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
