package collect

import (
	"bytes"
	"io"
	"strings"

	"github.com/zbundle/zbundle/internal/openmetrics"
)

// listen learns from an answer while it goes by. The function that it gives
// is to be called at the answer's end.
func (r *run) listen(task task, t target, body *limitedReader) (end func()) {
	switch {
	case task.id == syncTask: // the first look: which ztunnel is whose need not be right to the second
		var seen bytes.Buffer
		body.r = io.TeeReader(body.r, &seen)
		return func() { r.serves(t, proxiesOf(seen.Bytes())) }
	case task.id == ambientTask:
		c := &workloadCounter{}
		body.r = io.TeeReader(body.r, c)
		return func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.counted = max(r.counted, c.n)
		}
	case task.id == metricsTask:
		lines := &lineWriter{each: func(line []byte) {
			r.proxiesServed(t, line)
			r.peer(line)
		}}
		body.r = io.TeeReader(body.r, lines)
	}
	return func() {}
}

// maxMetricLine bounds a line of metrics; what is longer is not looked at.
const maxMetricLine = 16 * kb

// lineWriter gives each whole line to a function.
type lineWriter struct {
	each func(line []byte)
	part []byte
	long bool // the line under way is longer than may be
}

func (l *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		head, rest, found := bytes.Cut(p, []byte{'\n'})
		if len(l.part)+len(head) > maxMetricLine {
			l.long = true
		}
		if !l.long {
			l.part = append(l.part, head...)
		}
		if !found {
			return n, nil
		}
		if !l.long {
			l.each(l.part)
		}
		l.part, l.long, p = l.part[:0], false, rest
	}
}

// peer notes with whom the workload of --for has connections, by a line of
// the metrics of a ztunnel on one of its nodes.
func (r *run) peer(line []byte) {
	if r.opts.For == "" || !bytes.Contains(line, []byte("_workload_namespace=")) {
		return
	}
	sample, err := openmetrics.ParseSample(string(line))
	if err != nil {
		return
	}
	source := workload{sample.Get("source_workload_namespace"), sample.Get("source_workload")}
	destination := workload{sample.Get("destination_workload_namespace"), sample.Get("destination_workload")}
	ns, name, _ := strings.Cut(r.opts.For, "/")
	own := func(w workload) bool { return w.namespace == ns && (name == "" || w.name == name) }
	r.mu.Lock()
	defer r.mu.Unlock()
	if own(source) {
		r.peers[destination] = true
	}
	if own(destination) {
		r.peers[source] = true
	}
}
