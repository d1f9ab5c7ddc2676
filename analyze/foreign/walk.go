package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
)

type walk struct {
	a       *Archive
	fn      func(bundle.File) error
	pods    podIndex
	written map[string]int // lists so far by resource
	placed  map[string]bool
	seen    map[string]bool // objects, of which an archive may hold several copies
	newest  time.Time
}

func (w *walk) objects(f bundle.File) error {
	if f.ModTime.After(w.newest) {
		w.newest = f.ModTime
	}
	resources, ok := w.a.layout.objects(f.Path)
	if !ok || f.Reader == nil {
		return nil
	}
	lists, err := readObjects(f.Reader, w.seen)
	if errors.Is(err, errNoObjects) {
		return nil // text for people, as some versions write it
	}
	if err != nil {
		w.a.problem(f.Path, err)
		if len(lists) == 0 {
			return nil
		}
		resources = nil // what is not there may have been cut off
	}
	for _, resource := range resources {
		if lists[resource] == nil {
			lists[resource] = &list{}
		}
	}
	for _, resource := range sortedNames(lists) {
		l := lists[resource]
		if resource == "core/pods" {
			w.pods.add(l)
		}
		group, name, _ := strings.Cut(resource, "/")
		to := layout.ObjectsPart(group, name, w.written[resource])
		w.written[resource]++
		if err := w.fn(bundle.File{Path: to, Origin: f.Path, ModTime: f.ModTime, Reader: l.reader()}); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) file(f bundle.File) error {
	to, log := w.a.layout.place(f.Path, w.pods)
	if to == "" || f.Reader == nil || w.placed[to] {
		return nil
	}
	w.placed[to] = true
	give := func(to string, r io.Reader) error {
		return w.fn(bundle.File{Path: to, Origin: f.Path, ModTime: f.ModTime, Reader: r})
	}
	if !log {
		return give(to, f.Reader)
	}
	parts := newLogParts(f.Reader)
	if err := give(to, parts); err != nil {
		return err
	}
	if !parts.previous() {
		return nil
	}
	previous := path.Join(path.Dir(to), layout.PreviousLog)
	w.placed[previous] = true
	return give(previous, parts)
}

func (w *walk) header() error {
	return w.json(layout.Header, bundle.Header{Format: bundle.FormatVersion, Tool: w.a.layout.tool(), Started: w.newest})
}

// manifest tells when the archive was made, and why what is not in it is not.
func (w *walk) manifest() error {
	tool := w.a.layout.tool()
	m := bundle.Manifest{Entries: []bundle.Entry{}, Dumps: []view.Dump{}, Collection: bundle.Collection{
		Format: bundle.FormatVersion, Incomplete: "this is an archive of " + tool, Captured: w.newest, ClockSource: "archive",
		Started: w.newest, Finished: w.newest, Discovery: []bundle.Discovered{}, Tasks: []bundle.Task{},
	}}
	for _, resource := range knownResources {
		if w.written[resource] == 0 {
			group, name, _ := strings.Cut(resource, "/")
			m.Tasks = append(m.Tasks, bundle.Task{ID: layout.ObjectsTask(group, name), Target: bundle.Target{Kind: layout.Cluster}, Status: bundle.StatusSkipped, Reason: "it is not in this archive of " + tool})
		}
	}
	for _, id := range sortedNames(w.pods) {
		m.Tasks = append(m.Tasks, w.missing(w.pods[id])...)
	}
	return w.json(layout.Manifest, m)
}

// missing are the artifacts of a pod that the archive does not hold.
func (w *walk) missing(of pod) []bundle.Task {
	var out []bundle.Task
	for _, a := range load.Artifacts() {
		if a.Kind != of.kind || w.placed[path.Join(dirOf(of), a.File)] {
			continue
		}
		reason := "it is not in this archive of " + w.a.layout.tool()
		if w.a.layout.lacks(a) {
			reason = w.a.layout.tool() + " does not take it"
		}
		out = append(out, bundle.Task{
			ID: a.Task(), Target: bundle.Target{Kind: of.kind, Namespace: of.namespace, Name: of.name, Node: of.node},
			Status: bundle.StatusSkipped, Reason: reason,
		})
	}
	return out
}

func (w *walk) json(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.fn(bundle.File{Path: path, Origin: path, Size: int64(len(text)), ModTime: w.newest, Reader: bytes.NewReader(text)})
}
