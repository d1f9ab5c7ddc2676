package mesh

import "time"

// Namespace is a Kubernetes namespace.
type Namespace struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster string            `expr:"cluster"`
	Name    string            `expr:"name"`
	Labels  map[string]string `expr:"labels"`
	// Ambient is true where the namespace's label enrols its pods.
	Ambient bool `expr:"ambient"`
	// RootCerts are the sha256 fingerprints in its ConfigMap istio-ca-root-cert;
	// HasRootCerts is false where the bundle holds none of this namespace.
	RootCerts    []string `expr:"rootCerts"`
	HasRootCerts bool     `expr:"hasRootCerts"`
	Source       Evidence
}

// Node is a Kubernetes node with the mesh's agents on it.
type Node struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster       string            `expr:"cluster"`
	Name          string            `expr:"name"`
	Labels        map[string]string `expr:"labels"`
	Ready         bool              `expr:"ready"`
	Unschedulable bool              `expr:"unschedulable"`
	// ReadySince is when Ready last became what it is, ReadyForSeconds how long ago that was.
	ReadySince      time.Time `expr:"readySince"`
	ReadyForSeconds float64   `expr:"readyForSeconds"`
	// Virtual is true of nodes that run no DaemonSets: virtual kubelets, Fargate, Windows.
	Virtual    bool      `expr:"virtual"`
	Created    time.Time `expr:"created"`
	AgeSeconds float64   `expr:"ageSeconds"`
	BootID     string    `expr:"bootId"`
	// Platform is the Kubernetes that its names tell of, where istio-cni needs to be told so:
	// "k3s", "microk8s", "minikube", "k3d", "openshift", "gke" or "".
	Platform string `expr:"platform"`
	// RebootedSeconds is how long ago its kubelet told of a reboot; 0 where no event does.
	RebootedSeconds float64  `expr:"rebootedSeconds"`
	Addresses       []string `expr:"addresses"`
	Taints          []string `expr:"taints"`

	Ztunnel *Ztunnel `expr:"ztunnel"`
	CNI     *CNI     `expr:"cni"`
	Pods    []*Pod   `expr:"pods"`
	// AmbientPods are the node's running pods that are selected for or enrolled in the mesh.
	AmbientPods []*Pod `expr:"ambientPods"`
	// WantsZtunnel and WantsCNI are false where the DaemonSet's own selector
	// or tolerations keep it off this node.
	WantsZtunnel bool `expr:"wantsZtunnel"`
	WantsCNI     bool `expr:"wantsCni"`
	Source       Evidence
}

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
	Waiting        string `expr:"waiting"` // reason, such as CrashLoopBackOff
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

// DaemonSet is one of the mesh's own DaemonSets.
type DaemonSet struct {
	Pods []*Pod `expr:"pods"`
	// Lacking are the nodes with ambient pods that have no pod of it.
	Lacking      []*Node `expr:"lacking"`
	Namespace    string  `expr:"namespace"`
	Name         string  `expr:"name"`
	Component    string  `expr:"component"` // "ztunnel" or "istio-cni"
	Desired      int     `expr:"desired"`
	Current      int     `expr:"current"`
	Ready        int     `expr:"ready"`
	Updated      int     `expr:"updated"`
	Unavailable  int     `expr:"unavailable"`
	Misscheduled int     `expr:"misscheduled"`
	Source       Evidence
}

// Event is a Kubernetes event of a kind that rules read.
type Event struct {
	Last       time.Time `expr:"last"`
	Namespace  string    `expr:"namespace"`
	Kind       string    `expr:"kind"` // of the object it is about
	Name       string    `expr:"name"`
	Reason     string    `expr:"reason"`
	Type       string    `expr:"type"`
	Message    string    `expr:"message"`
	Count      int       `expr:"count"`
	AgeSeconds float64   `expr:"ageSeconds"` // of its last occurrence
	// DaemonSet is the mesh's own that it is about, nil for all others.
	DaemonSet *DaemonSet `expr:"daemonSet"`
	Source    Evidence
	pod       *Pod // that it is about
}
