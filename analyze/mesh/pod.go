package mesh

import "time"

// Pod is a Kubernetes pod and what the mesh makes of it.
type Pod struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster        string            `expr:"cluster"`
	Namespace      string            `expr:"namespace"`
	Name           string            `expr:"name"`
	UID            string            `expr:"uid"`
	NodeName       string            `expr:"nodeName"`
	IPs            []string          `expr:"ips"`
	ServiceAccount string            `expr:"serviceAccount"`
	Labels         map[string]string `expr:"labels"`
	Annotations    map[string]string `expr:"annotations"`
	Phase          string            `expr:"phase"`
	Ready          bool              `expr:"ready"`
	HostNetwork    bool              `expr:"hostNetwork"`
	Deleting       bool              `expr:"deleting"`
	// Running is phase Running and not being deleted.
	Running    bool      `expr:"running"`
	Created    time.Time `expr:"created"`
	Started    time.Time `expr:"started"` // status.startTime
	AgeSeconds float64   `expr:"ageSeconds"`
	// StartedSeconds is how long the youngest container has run; 0 where none does.
	StartedSeconds float64 `expr:"startedSeconds"`
	// ReadySince is when Ready last became what it is, ReadyForSeconds how long ago that was; 0 where it never did.
	ReadySince      time.Time    `expr:"readySince"`
	ReadyForSeconds float64      `expr:"readyForSeconds"`
	Containers      []*Container `expr:"containers"`
	// InitContainers are those that wait, which keeps the pod from starting.
	InitContainers []*Container `expr:"initContainers"`
	// Unscheduled is what the scheduler says of a pod that it finds no node for, "" of all others.
	Unscheduled string `expr:"unscheduled"`
	// Trouble is why it does not run or is not ready; nil where it is, and where nothing tells.
	Trouble *Trouble `expr:"trouble"`
	// Crashed is the container that was killed or ended with an error before
	// its last restart, and not by its node's reboot; nil where there is none.
	Crashed   *Container `expr:"crashed"`
	OwnerKind string     `expr:"ownerKind"`
	OwnerName string     `expr:"ownerName"`
	// Component is "ztunnel", "istiod", "istio-cni", "waypoint", "gateway" or, for all else, "".
	Component string `expr:"component"`
	// Sidecar is true of a pod with an injected sidecar, which ambient leaves alone.
	Sidecar bool `expr:"sidecar"`
	// Selected is true where the pod's or its namespace's label enrols it.
	Selected bool `expr:"selected"`
	// Redirection is the value of annotation ambient.istio.io/redirection.
	Redirection string `expr:"redirection"`
	// Enrolled is Redirection "enabled": the CNI agent says it captured the pod.
	Enrolled bool `expr:"enrolled"`
	// Identity is the SPIFFE id that the mesh expects of the pod.
	Identity string `expr:"identity"`
	// GracePeriodSeconds is spec.terminationGracePeriodSeconds, -1 where it is not known.
	GracePeriodSeconds float64 `expr:"gracePeriodSeconds"`
	// UsesWaypoint is the Gateway that the pod's own label istio.io/use-waypoint names; nil where there is none.
	UsesWaypoint *Waypoint `expr:"usesWaypoint"`

	// Env are the settings of its containers that a bundle keeps the values of.
	Env map[string]string `expr:"env"`
	// ProbePorts are those that the kubelet probes over the network.
	ProbePorts []int `expr:"probePorts"`
	// ProbeFailures counts the failed probes that events tell of.
	ProbeFailures int `expr:"probeFailures"`
	// ProbesBlockedBy are the network policies that keep the kubelet's probes from it.
	ProbesBlockedBy []*NetworkPolicy `expr:"probesBlockedBy"`

	// allow are the ALLOW policies that select it.
	allow []*Policy

	Node     *Node     `expr:"node"`
	Ztunnel  *Ztunnel  `expr:"ztunnel"` // of its node
	InPod    *InPod    `expr:"inPod"`   // its entry in that ztunnel's workloadState
	Workload *Workload `expr:"workload"`
	// Events are those about the pod.
	Events []*Event `expr:"events"`
	Source Evidence
}

// Container is one container of a pod as its status has it.
type Container struct {
	Name     string `expr:"name"`
	Image    string `expr:"image"`
	Ready    bool   `expr:"ready"`
	Restarts int    `expr:"restarts"`
	// StartedSeconds is how long it has run; 0 where it does not.
	StartedSeconds float64 `expr:"startedSeconds"`
	StartedAt      time.Time
	LastEndedAt    time.Time
	// Waiting is the reason why it waits, such as CrashLoopBackOff, WaitingMessage what the kubelet says beside it.
	Waiting        string `expr:"waiting"`
	WaitingMessage string `expr:"waitingMessage"`
	// LastReason and LastExitCode are those of the container's last termination, if any.
	LastReason       string  `expr:"lastReason"`
	LastExitCode     int     `expr:"lastExitCode"`
	LastEndedSeconds float64 `expr:"lastEndedSeconds"` // how long ago
	HasLast          bool    `expr:"hasLast"`
	MemoryLimit      string  `expr:"memoryLimit"`
	// RunAsUser is the numeric user of its own or its pod's security context; 0 where none is set.
	RunAsUser  int64          `expr:"runAsUser"`
	NamedPorts map[string]int `expr:"-"`
	Ports      []int          `expr:"ports"`
}

func podSubject(ns, name, node string) Subject {
	return Subject{Kind: "pod", Namespace: ns, Name: name, Node: node}
}

func podKey(ns, name string) string { return podSubject(ns, name, "").Key() }
func (p *Pod) Subject() Subject     { return podSubject(p.Namespace, p.Name, p.NodeName).Of(p.Cluster) }

func (p *Pod) Refs() []string {
	keys := []string{p.Subject().Key(), nodeKey(p.NodeName), identityKey(p.Identity)}
	if p.Ztunnel != nil && p.Component == "" {
		keys = append(keys, p.Ztunnel.keys()...)
	}
	if p.Node != nil && p.Node.CNI != nil && p.Component == "" {
		keys = append(keys, p.Node.CNI.Subject().Key())
	}
	return refs(keys...)
}

func (p *Pod) Evidence() []Evidence { return evidence(p.Source) }

func (p *Pod) Gap(input string) (*Gap, bool) {
	return ztunnelGap(p.Ztunnel, p.NodeName, input)
}

func (p *Pod) namedPort(name string) int {
	for _, c := range p.Containers {
		if port, ok := c.NamedPorts[name]; ok {
			return port
		}
	}
	return 0
}
