package bundle

import (
	"bytes"
	"io"
	"slices"

	"github.com/zbundle/zbundle/bundle/layout"
)

// What early versions of zbundle made of the manifest: the leak scan ran over
// it and took the count of leaked passwords for a password. In valid JSON
// these bytes stand nowhere.
const (
	brokenCount   = `"leaked password": [redacted password]`
	repairedCount = `"leaked password": 1`
)

// manifestRepair reads a manifest, and one with the broken count as if that were 1.
type manifestRepair struct {
	r        io.Reader
	repaired func()
	held     []byte // read from r, and perhaps the beginning of the broken count
	ready    []byte
	err      error
}

func (m *manifestRepair) Read(p []byte) (int, error) {
	for len(m.ready) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		m.fill()
	}
	n := copy(p, m.ready)
	m.ready = m.ready[n:]
	return n, nil
}

func (m *manifestRepair) fill() {
	const chunk = 32 << 10
	at := len(m.held)
	m.held = slices.Grow(m.held, chunk)[:at+chunk]
	n, err := m.r.Read(m.held[at:])
	m.held, m.err = m.held[:at+n], err
	if bytes.Contains(m.held, []byte(brokenCount)) {
		m.held = bytes.ReplaceAll(m.held, []byte(brokenCount), []byte(repairedCount))
		m.repaired()
	}
	end := len(m.held)
	if err == nil {
		end -= min(end, len(brokenCount)-1)
	}
	m.ready = append(m.ready[:0], m.held[:end]...)
	m.held = m.held[:copy(m.held, m.held[end:])]
}

// manifestRepaired notes once that the manifest had to be repaired.
func (r *Reader) manifestRepaired() {
	if len(r.repaired) == 0 {
		r.repaired = []Problem{{
			Path: layout.Manifest, Repaired: true,
			Text: "the zbundle that wrote it overwrote its count of leaked passwords, which is read as 1",
		}}
	}
}
