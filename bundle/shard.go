package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one of several collections that share a mesh between them. Merge
// puts their bundles together.
type Shard struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`
}

// maxShards bounds into how many parts a collection can be split.
const maxShards = 1000

// ParseShard reads "I/N", I counting from 0 as a Kubernetes Job's completion index does.
func ParseShard(text string) (*Shard, error) {
	i, n, ok := strings.Cut(text, "/")
	index, errIndex := strconv.Atoi(i)
	of, errOf := strconv.Atoi(n)
	if !ok || errIndex != nil || errOf != nil {
		return nil, fmt.Errorf("invalid shard %q: must be I/N, such as 0/4", text)
	}
	s := &Shard{Index: index, Of: of}
	return s, s.check()
}

func (s *Shard) check() error {
	switch {
	case s.Of < 1 || s.Of > maxShards:
		return fmt.Errorf("shard %s: there can be 1 to %d shards", s, maxShards)
	case s.Index < 0 || s.Index >= s.Of:
		return fmt.Errorf("shard %s: shards count from 0, here to %d", s, s.Of-1)
	}
	return nil
}

func (s *Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Owns tells whether what key names is the shard's to collect: each key is one
// shard's, the same in every run. Without shards everything is.
func (s *Shard) Owns(key string) bool {
	if s == nil || s.Of < 2 {
		return true
	}
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:8])%uint64(s.Of) == uint64(s.Index)
}

// Shards is how far the shards of a collection are together.
type Shards struct {
	Of      int   `json:"of"`
	Missing []int `json:"missing,omitempty"`
}

// String names the shards that are missing: "shard 3 of 4 is missing (they count from 0)".
func (s *Shards) String() string {
	names := make([]string, len(s.Missing))
	for i, n := range s.Missing {
		names[i] = strconv.Itoa(n)
	}
	noun, verb := "shard", "is"
	if len(names) > 1 {
		noun, verb = "shards", "are"
	}
	return fmt.Sprintf("%s %s of %d %s missing (they count from 0)", noun, strings.Join(names, ", "), s.Of, verb)
}
