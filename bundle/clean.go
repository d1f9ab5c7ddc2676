package bundle

import (
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// maxClean bounds what is remembered, for any number of nodes: a mesh of
// 100,000 workloads has a few orders of the services of each.
const maxClean = 1 << 18

// cleanItems are items of the lists that ztunnels share which are in
// canonical form and hold no secret. Every ztunnel serves the same ones: what
// was looked at once is known by its hash.
type cleanItems struct {
	mu sync.Mutex
	of map[cleanItem]struct{}
}

type cleanItem struct {
	section string
	hash    itemHash
}

func (c *cleanItems) has(i cleanItem) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.of[i]
	return ok
}

// look scans an item, and remembers it if it is clean.
func (c *cleanItems) look(i cleanItem, item []byte) bool {
	scan := newLeakFilter(io.Discard)
	if _, err := scan.Write(item); err != nil || scan.Close() != nil || scan.found != nil {
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
func (d *dumpSplitter) sharedItem(section string, v jsontext.Value) (item []byte, hash itemHash, clean bool) {
	if d.clean == nil {
		item = d.canonical(section, v)
		return item, hashOf(item), false
	}
	hash = hashOf(v)
	if d.clean.has(cleanItem{section, hash}) {
		return v, hash, true
	}
	item = d.canonical(section, v)
	if &item[0] != &v[0] {
		if hash = hashOf(item); d.clean.has(cleanItem{section, hash}) {
			return item, hash, true
		}
	}
	return item, hash, d.clean.look(cleanItem{section, hash}, item)
}
