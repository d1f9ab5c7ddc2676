package foreign

import (
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
)

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
