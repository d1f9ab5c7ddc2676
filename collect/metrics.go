package collect

import (
	"fmt"
	"io"
)

// metricLines passes metrics on, and fails at what can't be any: a sample or
// a comment begins every line of the Prometheus text formats.
type metricLines struct {
	r    io.Reader
	line int
	mid  bool // in the middle of a line
}

func (m *metricLines) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for i := 0; i < n; i++ {
		c := p[i]
		if !m.mid {
			m.line++
			if !(c == '#' || c == '_' || c == ':' || c == '\n' || c == '\r' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
				return 0, fmt.Errorf("%w: line %d is no line of metrics, it begins with %q", errWrongContent, m.line, c)
			}
		}
		m.mid = c != '\n'
	}
	return n, err
}
