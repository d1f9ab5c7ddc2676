package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
)

// keep accounts for n parts of a ztunnel's or istiod's configuration.
func (l *reading) keep(n int) error {
	if *l.specs += n; *l.specs > mostSpecs {
		return errors.New("holds more than can be kept beside what was read before it")
	}
	return nil
}

func (l *reading) keepObservations(os []*mesh.Observation) error {
	room := min(len(os), mostObservations-len(l.mesh.Observations))
	l.mesh.Observations = append(l.mesh.Observations, os[:room]...)
	if room < len(os) {
		return errFlows
	}
	return nil
}

func (l *reading) keepLogs(logs []*mesh.Log) error {
	room := min(len(logs), mostLogs-len(l.mesh.Logs))
	l.mesh.Logs = append(l.mesh.Logs, logs[:room]...)
	if room < len(logs) {
		return fmt.Errorf("has messages beyond the %d that are kept of all logs", mostLogs)
	}
	return nil
}

// reading is what all that reads one cluster fills and keeps to.
type reading struct {
	common
	mesh *mesh.Mesh
	dir  string          // of the cluster's entries, "" in a bundle of one
	seen map[string]bool // entries that were read whole
}

// ended notes how the reading of an entry ended.
func (l *reading) ended(path string, err error) {
	if err != nil {
		l.problem(path, err)
		return
	}
	l.seen[path] = true
}

func (l *reading) problem(name string, err error) {
	const most = 1000
	if len(l.summary.Problems) < most {
		l.summary.Problems = append(l.summary.Problems, bundle.Problem{Path: l.summary.Origin(name), Text: clip(err.Error(), 1000)})
	}
}

// final is what the manifest says of the cluster, nil in a bundle of one.
func (l *reading) final() *bundle.ClusterFinal {
	if l.summary.Manifest == nil || l.dir == "" {
		return nil
	}
	for i, c := range l.summary.Manifest.Clusters {
		if c.Dir == l.dir {
			return &l.summary.Manifest.Clusters[i]
		}
	}
	return nil
}

// lineBuffer holds the longest line that is read whole.
const lineBuffer = 64 << 10

// lineReader reads entries by lines, one after the other.
type lineReader struct{ in *bufio.Reader }

// of reads an entry; that before it has been read.
func (l *lineReader) of(r io.Reader) *bufio.Reader {
	if l.in == nil {
		l.in = bufio.NewReaderSize(r, lineBuffer)
	}
	l.in.Reset(r)
	return l.in
}
