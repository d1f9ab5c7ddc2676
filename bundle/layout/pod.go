package layout

import (
	"path"
	"strings"
)

// Kinds of what is asked: the API server, and the pods that make up a mesh.
const (
	Cluster  = "cluster"
	Ztunnel  = "ztunnel"
	Istiod   = "istiod"
	CNI      = "cni"
	Waypoint = "waypoint"
	Gateway  = "gateway"
)

// Pod is a pod of the mesh. A path names its node or its namespace, if any.
type Pod struct{ Kind, Namespace, Node, Name string }

// Dir is the folder of the pod's files.
func (p Pod) Dir() string {
	switch p.Kind {
	case Istiod:
		return path.Join(istiodDir, safe(p.Name))
	case Ztunnel, CNI:
		return path.Join(nodesDir, safe(p.Node), p.Kind, safe(p.Name))
	}
	return path.Join(waypointsDir, safe(p.Namespace), safe(p.Name))
}

// Files in a pod's folder.
const (
	Log         = "log.txt"
	PreviousLog = "log.previous.txt" // of the container before its restart
	Metrics     = "metrics.txt"
	Ready       = "ready.txt"
	Syncz       = "syncz.json"
	Connections = "connections.json"
	Ambientz    = "ambientz.json"
	Mesh        = "mesh.json"
	Networkz    = "networkz.json"
	Clusterz    = "clusterz.json"
	Version     = "version.json"
)

// Endings of files and of task ids.
const (
	jsonEnd  = ".json"
	textEnd  = ".txt"
	deltaEnd = ".delta" + jsonEnd
	wadsEnd  = ".wads"
	afterEnd = "-after"
)

const (
	afterDir = "after" // of what was asked a second time
	xdsDir   = "xds"   // of an istiod's answers for single proxies
)

// Artifact is an answer of a pod.
type Artifact struct {
	Kind string // of the pod
	name string
	// File is where it stands in the pod's folder; "{pod}" in it stands for
	// the pod that an istiod was asked about.
	File string
}

// Artifacts that are asked of pods.
var (
	ZtunnelReady       = Artifact{Ztunnel, "ready", Ready}
	ZtunnelConfigDump  = Artifact{Ztunnel, configDump, configDump + jsonEnd}
	ZtunnelMetrics     = Artifact{Ztunnel, "metrics", Metrics}
	ZtunnelLog         = Artifact{Ztunnel, "log", Log}
	ZtunnelPreviousLog = Artifact{Ztunnel, "log-previous", PreviousLog}

	IstiodSyncz          = Artifact{Istiod, "syncz", Syncz}
	IstiodConnections    = Artifact{Istiod, "connections", Connections}
	IstiodAmbientz       = Artifact{Istiod, "ambientz", Ambientz}
	IstiodMesh           = Artifact{Istiod, "mesh", Mesh}
	IstiodNetworkz       = Artifact{Istiod, "networkz", Networkz}
	IstiodClusterz       = Artifact{Istiod, "clusterz", Clusterz}
	IstiodVersion        = Artifact{Istiod, "version", Version}
	IstiodMetrics        = Artifact{Istiod, "metrics", Metrics}
	IstiodConfigDump     = Artifact{Istiod, "config_dump", xdsDir + "/{pod}" + jsonEnd}
	IstiodConfigDumpWADS = Artifact{Istiod, "config_dump-wads", xdsDir + "/{pod}" + wadsEnd + jsonEnd}
	IstiodLog            = Artifact{Istiod, "log", Log}
	IstiodPreviousLog    = Artifact{Istiod, "log-previous", PreviousLog}

	CNIReady       = Artifact{CNI, "ready", Ready}
	CNIMetrics     = Artifact{CNI, "metrics", Metrics}
	CNILog         = Artifact{CNI, "log", Log}
	CNIPreviousLog = Artifact{CNI, "log-previous", PreviousLog}

	WaypointMetrics     = Artifact{Waypoint, "metrics", Metrics}
	WaypointLog         = Artifact{Waypoint, "log", Log}
	WaypointPreviousLog = Artifact{Waypoint, "log-previous", PreviousLog}
	GatewayMetrics      = Artifact{Gateway, "metrics", Metrics}
	GatewayLog          = Artifact{Gateway, "log", Log}
	GatewayPreviousLog  = Artifact{Gateway, "log-previous", PreviousLog}
)

var artifacts = []Artifact{
	ZtunnelReady, ZtunnelConfigDump, ZtunnelMetrics, ZtunnelLog, ZtunnelPreviousLog,
	IstiodSyncz, IstiodConnections, IstiodAmbientz, IstiodMesh, IstiodNetworkz, IstiodClusterz, IstiodVersion, IstiodMetrics,
	IstiodConfigDumpWADS, IstiodConfigDump, IstiodLog, IstiodPreviousLog,
	CNIReady, CNIMetrics, CNILog, CNIPreviousLog,
	WaypointMetrics, WaypointLog, WaypointPreviousLog, GatewayMetrics, GatewayLog, GatewayPreviousLog,
}

// Task is the id of the task that asks for the artifact.
func (a Artifact) Task() string { return a.Kind + "/" + a.name }

// After is the artifact as it was asked for a second time, at the end.
func (a Artifact) After() Artifact {
	return Artifact{a.Kind, a.name + afterEnd, AfterFile(a.File)}
}

// Of is the artifact of a gateway of that kind: each has the same ones.
func (a Artifact) Of(kind string) Artifact {
	a.Kind = kind
	return a
}

// FileFor is an artifact's file of what an istiod says about a pod.
func FileFor(file, pod string) string { return strings.ReplaceAll(file, "{pod}", pod) }

// AfterFile is the file in which the answer stands that was given later to
// what had brought file.
func AfterFile(file string) string { return path.Join(afterDir, file) }

// AfterTask is the task that asks again for what the task of that id did.
func AfterTask(id string) string { return id + afterEnd }

// FirstTask is the task whose question that of the given id repeats, itself
// where it is no second one.
func FirstTask(id string) string { return strings.TrimSuffix(id, afterEnd) }
