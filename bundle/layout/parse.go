package layout

import (
	"path"
	"strings"
)

// Kind is what kind of entry stands at a path.
type Kind int

// Kinds of entries. Unknown is what no bundle of this format has.
const (
	Unknown Kind = iota
	HeaderFile
	ManifestFile
	ObjectsFile    // the objects of a resource
	PodChangesFile // the pods that were created or deleted meanwhile
	PodFile        // what a pod answered
	ViewFile       // what several pods share
)

// Path is what a path says.
type Path struct {
	Cluster string // the folder of its cluster, "" in a bundle of one
	Kind    Kind
	// Group and Resource are those of an ObjectsFile, the core group "core".
	Group, Resource string
	// Pod is whose file it is, and File its path in the pod's folder.
	Pod  Pod
	File string
	// View is the kind of a ViewFile.
	View string
}

// Parse reads the path of an entry.
func Parse(name string) Path {
	switch name {
	case Header:
		return Path{Kind: HeaderFile}
	case Manifest:
		return Path{Kind: ManifestFile}
	}
	if kind, ok := ViewKind(name); ok {
		return Path{Kind: ViewFile, View: kind}
	}
	var p Path
	p.Cluster, name = SplitCluster(name)
	if name == PodChanges {
		p.Kind = PodChangesFile
		return p
	}
	parts := strings.Split(name, "/")
	podFile := func(pod Pod, file ...string) {
		p.Kind, p.Pod, p.File = PodFile, pod, strings.Join(file, "/")
	}
	switch {
	case parts[0] == objectsDir && len(parts) == 3:
		p.Kind, p.Group = ObjectsFile, parts[1]
		p.Resource, _, _ = strings.Cut(strings.TrimSuffix(parts[2], jsonEnd), partMark)
	case parts[0] == istiodDir && len(parts) >= 3:
		podFile(Pod{Kind: Istiod, Name: parts[1]}, parts[2:]...)
	case parts[0] == nodesDir && len(parts) >= 5 && (parts[2] == Ztunnel || parts[2] == CNI):
		podFile(Pod{Kind: parts[2], Node: parts[1], Name: parts[3]}, parts[4:]...)
	case parts[0] == waypointsDir && len(parts) >= 4:
		podFile(Pod{Kind: Waypoint, Namespace: parts[1], Name: parts[2]}, parts[3:]...)
	}
	return p
}

// IsJSON is true of entries that hold JSON, and not text.
func IsJSON(name string) bool { return path.Ext(name) == jsonEnd }

// IsText is true of entries that hold text.
func IsText(name string) bool { return path.Ext(name) == textEnd }

// Section tells which section of a config dump the file holds, and whether as
// a delta; ok is false for any other file.
func (p Path) Section() (name string, delta, ok bool) {
	file, ok := strings.CutPrefix(p.File, configDump+"/")
	if !ok {
		return "", false, false
	}
	if whole, ok := Whole(file); ok {
		return strings.TrimSuffix(whole, jsonEnd), true, true
	}
	return strings.TrimSuffix(file, jsonEnd), false, true
}

// Task is the task that brings the file. What stands in the folder of
// waypoints may be a gateway's as well.
func (p Path) Task() (id string, ok bool) {
	if p.Kind == ObjectsFile {
		return ObjectsTask(p.Group, p.Resource), true
	}
	if _, _, ok := p.Section(); ok {
		return ZtunnelConfigDump.Task(), true
	}
	for _, a := range artifacts {
		switch {
		case a.Kind != p.Pod.Kind:
		case a.holds(p.File):
			return a.Task(), true
		case a.After().holds(p.File):
			return a.After().Task(), true
		}
	}
	return "", false
}

// holds is true of the artifact's file, and of what it says about any pod.
func (a Artifact) holds(file string) bool {
	before, after, many := strings.Cut(a.File, "{pod}")
	if !many {
		return file == a.File
	}
	if whole, ok := Whole(file); ok {
		file = whole
	}
	return strings.HasPrefix(file, before) && strings.HasSuffix(file, after)
}
