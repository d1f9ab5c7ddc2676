package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"sync"
)

// checkMetricLine fails for what can't be a line of metrics: a sample or a
// comment begins every line of the Prometheus text formats.
func checkMetricLine(line []byte, number int) error {
	c := line[0]
	if c == '#' || c == '_' || c == ':' || c == '\n' || c == '\r' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		return nil
	}
	return fmt.Errorf("%w: line %d is no line of metrics, it begins with %q", errWrongContent, number, c)
}

// metricLines remembers which lines the first look at metrics had, so that of
// the second one only what changed is kept: that is a fraction of it.
type metricLines struct {
	seed maphash.Seed
	mu   sync.Mutex
	by   map[string][]uint64 // hashes by pod, sorted
	n    int
}

// maxMetricLines bounds what is remembered, of all pods: 8 bytes each. What
// is past it is kept whole in both looks.
const maxMetricLines = 2_000_000

func newMetricLines() *metricLines {
	return &metricLines{seed: maphash.MakeSeed(), by: map[string][]uint64{}}
}

// first copies a first look, and remembers it.
func (m *metricLines) first(w io.Writer, r io.Reader, pod string) error {
	var hashes []uint64
	err := eachLine(r, func(line []byte) error {
		hashes = append(hashes, maphash.Bytes(m.seed, line))
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(hashes)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n+len(hashes) <= maxMetricLines {
		m.by[pod], m.n = hashes, m.n+len(hashes)
	}
	return nil
}

// leftOut begins a second look of which only what changed is kept.
const leftOut = "# zbundle: lines that stand in the first look as well are left out\n"

// second copies what changed since the first look, and forgets that.
func (m *metricLines) second(w io.Writer, r io.Reader, pod string) error {
	m.mu.Lock()
	hashes, known := m.by[pod]
	delete(m.by, pod)
	m.n -= len(hashes)
	m.mu.Unlock()
	if known {
		if _, err := io.WriteString(w, leftOut); err != nil {
			return err
		}
	}
	return eachLine(r, func(line []byte) error {
		if _, same := slices.BinarySearch(hashes, maphash.Bytes(m.seed, line)); same {
			return nil
		}
		_, err := w.Write(line)
		return err
	})
}

// eachLine hands on metrics line by line.
func eachLine(r io.Reader, fn func(line []byte) error) error {
	in := bufio.NewReaderSize(r, 256*kb)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("%w: line %d has over %d bytes", errWrongContent, n, len(line))
		}
		if err != nil && err != io.EOF {
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if errLine := checkMetricLine(line, n); errLine != nil {
				return errLine
			}
		}
		if len(line) > 0 {
			if errLine := fn(line); errLine != nil {
				return errLine
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}
