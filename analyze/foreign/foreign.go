// Package foreign reads archives of other tools that tickets already carry as
// far as they hold a mesh, in the places that their files have in a bundle.
// What they don't hold is a gap with its reason, so that rules that need it
// are undecided.
package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/view"
	"github.com/zbundle/zbundle/internal/istio"
)

// Archive is an archive of another tool, read as a bundle.
type Archive struct {
	r      *bundle.Reader
	layout toolLayout

	problems []bundle.Problem
}

// toolLayout knows where a tool puts what.
type toolLayout interface {
	// tool names it in reasons: "istioctl bug-report".
	tool() string
	// objects says whether a file holds Kubernetes objects as YAML, and which
	// resources it would hold if the cluster has any of them.
	objects(path string) (resources []string, ok bool)
	// place says where a file's content stands in a bundle, and what it is
	// if that is a log which may hold the previous one too.
	place(path string, pods podIndex) (to string, log bool)
	// lacks are the artifacts that the tool never takes of an agent.
	lacks() []layout.Artifact
}

var errFound = errors.New("found")

// Recognize tells an archive of another tool by the first file that only it
// has; ok is false for everything else.
func Recognize(ctx context.Context, r *bundle.Reader) (a *Archive, ok bool, err error) {
	err = r.Walk(ctx, func(f bundle.File) error {
		switch {
		case f.Path == layout.Header:
			return errFound
		case bugReportFile.MatchString(f.Path):
			a = &Archive{r: r, layout: bugReport{}}
			return errFound
		case mustGatherFile.MatchString(f.Path):
			a = &Archive{r: r, layout: mustGather{}}
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return a, a != nil, err
}

// Problems are what had to be refused.
func (a *Archive) Problems() []bundle.Problem { return append(a.r.Problems(), a.problems...) }

func (a *Archive) problem(path string, err error) {
	a.problems = append(a.problems, bundle.Problem{Path: path, Text: err.Error()})
}

// Walk gives the archive's content as the files of a bundle: objects first,
// since they tell which node a pod is on.
func (a *Archive) Walk(ctx context.Context, fn func(bundle.File) error) error {
	a.problems = nil
	w := &walk{a: a, fn: fn, pods: podIndex{}, written: map[string]int{}, placed: map[string]bool{}, seen: map[string]bool{}}
	if err := a.r.Walk(ctx, w.objects); err != nil {
		return err
	}
	if err := w.header(); err != nil {
		return err
	}
	if err := a.r.Walk(ctx, w.file); err != nil {
		return err
	}
	return w.manifest()
}

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

// artifacts are what an analysis reads of the mesh's own pods.
var artifacts = []layout.Artifact{
	layout.ZtunnelConfigDump, layout.ZtunnelLog, layout.ZtunnelMetrics, layout.ZtunnelReady,
	layout.CNILog, layout.CNIMetrics,
	layout.IstiodAmbientz, layout.IstiodClusterz, layout.IstiodLog, layout.IstiodMesh, layout.IstiodMetrics, layout.IstiodNetworkz, layout.IstiodSyncz,
}

// missing are the artifacts of a pod that the archive does not hold.
func (w *walk) missing(of pod) []bundle.Task {
	var out []bundle.Task
	for _, a := range artifacts {
		if a.Kind != of.kind || w.placed[path.Join(dirOf(of), a.File)] {
			continue
		}
		reason := "it is not in this archive of " + w.a.layout.tool()
		if slices.Contains(w.a.layout.lacks(), a) {
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

// podIndex is what is known of the mesh's own pods, by "<namespace>/<name>".
type podIndex map[string]pod

type pod struct {
	namespace, name, node string
	kind                  string // of target, "" for what is none of the mesh's
	container             string // the one whose log is the pod's
}

// maxPods bounds them: no mesh has so many agents.
const maxPods = 10_000

func (p podIndex) add(l *list) {
	for _, found := range l.pods[:min(len(l.pods), maxPods-min(len(p), maxPods))] {
		p[found.namespace+"/"+found.name] = found
	}
}

func podOf(o map[string]any) pod {
	meta, spec := part(o, "metadata"), part(o, "spec")
	found := pod{namespace: text(meta, "namespace"), name: text(meta, "name"), node: text(spec, "nodeName")}
	known := istio.Pod{Name: found.name, Labels: map[string]string{}}
	for label, value := range part(meta, "labels") {
		known.Labels[label], _ = value.(string)
	}
	containers, _ := spec["containers"].([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		args, _ := container["args"].([]any)
		known.Containers = append(known.Containers, istio.Container{Name: text(container, "name"), Args: texts(args)})
	}
	found.kind, found.container = kindOf(known)
	return found
}

// named finds a pod by its name alone, as some paths have it.
func (p podIndex) named(name string) (pod, bool) {
	for _, found := range p {
		if found.name == name {
			return found, true
		}
	}
	return pod{}, false
}

// kindOf is the kind of target in a bundle that a pod is, "" for none, and the container whose log is its own.
func kindOf(known istio.Pod) (kind, container string) {
	component, container := known.Component()
	switch component {
	case istio.CNI:
		return layout.CNI, container
	case istio.Gateway:
		return layout.Waypoint, container // both stand in one place
	default:
		return component, container
	}
}

func part(o map[string]any, name string) map[string]any {
	v, _ := o[name].(map[string]any)
	return v
}

// texts are the strings of a list, "" for what is none.
func texts(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i], _ = v.(string)
	}
	return out
}

func text(o map[string]any, name string) string {
	v, _ := o[name].(string)
	return v
}

// dirOf is a pod's folder in a bundle, "" for pods that are none of the mesh's.
func dirOf(p pod) string {
	node := p.node
	if node == "" {
		node = p.name // nothing says where it runs
	}
	if p.kind == "" {
		return ""
	}
	return layout.Pod{Kind: p.kind, Namespace: p.namespace, Node: node, Name: p.name}.Dir()
}

var (
	bugReportFile  = regexp.MustCompile(`^(bug-report/)?(proxies/[^/]+/[^/]+/|cni/[^/]+/cni\.log$|cluster/k8s-resources$|bug-report\.log$)`)
	mustGatherFile = regexp.MustCompile(`^([^/]+/){0,2}(namespaces/[^/]+/(core|pods|apps)/|cluster-scoped-resources/)`)
)
