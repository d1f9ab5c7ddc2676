package view

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/redact"
)

// maxClean bounds what is remembered, for any number of nodes: a mesh of
// 100,000 workloads has a few orders of the services of each.
const maxClean = 1 << 18

// CleanItems are items of the lists that ztunnels share which are in
// canonical form and hold no secret. Every ztunnel serves the same ones: what
// was scanned once is known by its hash. The zero value is ready, for
// concurrent use.
type CleanItems struct {
	mu sync.Mutex
	of map[cleanItem]struct{}
}

type cleanItem struct {
	section string
	hash    itemHash
}

func (c *CleanItems) has(i cleanItem) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.of[i]
	return ok
}

// scan scans an item, and remembers it if it is clean.
func (c *CleanItems) scan(i cleanItem, item []byte) bool {
	if !redact.IsClean(item) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[cleanItem]struct{}{}
	}
	if len(c.of) < maxClean {
		c.of[i] = struct{}{}
	}
	return true
}

// sharedItem puts an item of a list that ztunnels share into the form that is
// stored. clean is true of one that needs no leak scan any more.
func (s *Splitter) sharedItem(section string, v jsontext.Value) (item []byte, hash itemHash, clean bool) {
	known := s.opts.Clean
	if known == nil {
		item = s.canonical(section, v)
		return item, hashOf(item), false
	}
	hash = hashOf(v)
	if known.has(cleanItem{section, hash}) {
		return v, hash, true
	}
	item = s.canonical(section, v)
	if !bytes.Equal(item, v) {
		if hash = hashOf(item); known.has(cleanItem{section, hash}) {
			return item, hash, true
		}
	}
	return item, hash, known.scan(cleanItem{section, hash}, item)
}
