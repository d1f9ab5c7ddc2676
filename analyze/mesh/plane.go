package mesh

import "time"

// WorkloadSpec is a workload as one plane has it, in one form for istiod and
// ztunnel so that both compare field by field.
type WorkloadSpec struct {
	UID            string   `expr:"uid"`
	Name           string   `expr:"name"`
	Namespace      string   `expr:"namespace"`
	ServiceAccount string   `expr:"serviceAccount"`
	WorkloadName   string   `expr:"workloadName"` // of its controller; metrics name it so
	TrustDomain    string   `expr:"trustDomain"`
	Network        string   `expr:"network"`
	ClusterID      string   `expr:"clusterId"`
	Node           string   `expr:"node"`
	Protocol       string   `expr:"protocol"`    // "HBONE" or "TCP"
	NetworkMode    string   `expr:"networkMode"` // "Standard" or "HostNetwork"
	Status         string   `expr:"status"`      // "Healthy" or "Unhealthy"
	NativeTunnel   bool     `expr:"nativeTunnel"`
	Addresses      []string `expr:"addresses"` // sorted
	Region         string   `expr:"region"`
	Zone           string   `expr:"zone"`
	Subzone        string   `expr:"subzone"`
	Waypoint       string   `expr:"waypoint"` // destination, "" for none
	// NetworkGateway is the way into its network, "<network>/<address>", "" for its own.
	NetworkGateway string   `expr:"networkGateway"`
	Policies       []string `expr:"policies"` // "<ns>/<name>" by selector
	Services       []string `expr:"services"` // sorted
	Source         Evidence
}

// WorkloadView is one distinct spec of a workload and the ztunnels that hold it so.
type WorkloadView struct {
	Spec    *WorkloadSpec `expr:"spec"`
	Holders []*Ztunnel    `expr:"holders"`
}

// Workload is one workload uid over the three planes.
type Workload struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string `expr:"cluster"`
	UID       string `expr:"uid"`
	Namespace string `expr:"namespace"`
	Name      string `expr:"name"`
	// Kind is "Pod", "WorkloadEntry", "ServiceEntry", "EndpointSlice",
	// "NetworkGateway" or "SplitHorizon", from the uid's form.
	Kind  string `expr:"kind"`
	Local bool   `expr:"local"` // of this cluster
	// Home is the same workload in its own cluster, where that is another one in the bundle.
	Home *Workload `expr:"home"`
	// Gateway is the gateway, of any cluster in the bundle, by which its network is reached.
	Gateway *Waypoint `expr:"gateway"`
	Pod     *Pod      `expr:"pod"`  // nil where no pod backs it
	Node    *Node     `expr:"node"` // that Spec names; nil where it is none of this cluster
	// Istiod is istiod's side; nil where no replica that answered has it.
	Istiod *WorkloadSpec `expr:"istiod"`
	// Views are the distinct forms among ztunnels, most held first.
	Views []*WorkloadView `expr:"views"`
	// Spec is the form to show: istiod's, else the most held.
	Spec *WorkloadSpec `expr:"spec"`
	// MissingFrom are the ztunnels with a readable dump that lack it.
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	// Holders counts the ztunnels that have it.
	Holders int `expr:"holders"`
	// Differs names the fields in which a ztunnel's form differs from Spec: "address", "node",
	// "protocol", "identity", "waypoint", "status", "policies".
	Differs []string `expr:"differs"`
	// DiffersOn are the ztunnels whose form differs from Spec.
	DiffersOn []*Ztunnel `expr:"differsOn"`
	// PodDiffers names the fields in which Spec contradicts the pod: "address", "node", "identity".
	PodDiffers []string `expr:"podDiffers"`
	// HBONE is true where Spec says that peers reach it over HBONE.
	HBONE bool `expr:"hbone"`
	// Captured is true where its pod is Up in its own node's ztunnel.
	Captured bool `expr:"captured"`
	// ThroughWaypoint is the waypoint that its callers are meant to come through:
	// its own, else the one that all of its services have; "" where there is none.
	ThroughWaypoint string `expr:"throughWaypoint"`
	// Flows are those with the workload's pod at either end.
	Flows []*Flow `expr:"flows"`

	// unknownTo are the mesh's istiods where none of them has it: what is wrong with them may be its cause.
	unknownTo []*Istiod
}

// Service is a service over the planes.
type Service struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster    string            `expr:"cluster"`
	Created    time.Time         `expr:"created"`
	Namespace  string            `expr:"namespace"`
	Name       string            `expr:"name"`
	Hostname   string            `expr:"hostname"`
	Labels     map[string]string `expr:"labels"`
	Type       string            `expr:"type"`
	ClusterIPs []string          `expr:"clusterIps"`
	AgeSeconds float64           `expr:"ageSeconds"`
	// InKubernetes is true of a Kubernetes Service; false of ServiceEntry hosts and the like.
	InKubernetes    bool              `expr:"inKubernetes"`
	HasSelector     bool              `expr:"hasSelector"`
	Selector        map[string]string `expr:"selector"`
	PublishNotReady bool              `expr:"publishNotReady"`
	// ReadyEndpoints and Endpoints count pods in its EndpointSlices.
	ReadyEndpoints int `expr:"readyEndpoints"`
	Endpoints      int `expr:"endpoints"`
	// Held are the ztunnels that have it, Empty those of them that hold no endpoint for it.
	Held        []*Ztunnel `expr:"held"`
	Empty       []*Ztunnel `expr:"empty"`
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	InIstiod    bool       `expr:"inIstiod"`
	VIPs        []string   `expr:"vips"`
	Waypoint    string     `expr:"waypoint"`    // what ztunnels hold
	UseWaypoint string     `expr:"useWaypoint"` // label istio.io/use-waypoint of it or its namespace, "" for none
	// WaypointNamespace is where that waypoint is, UsesWaypoint its Gateway; nil where there is none.
	WaypointNamespace string    `expr:"waypointNamespace"`
	UsesWaypoint      *Waypoint `expr:"usesWaypoint"`
	// Conditions are its status conditions by their types, such as "istio.io/WaypointBound".
	Conditions map[string]Condition `expr:"conditions"`
	// LBMode, LBPreferences and HealthPolicy are the load balancer of ztunnels' view.
	LBMode        string   `expr:"lbMode"`
	LBPreferences []string `expr:"lbPreferences"`
	HealthPolicy  string   `expr:"healthPolicy"`
	// Workloads are those whose spec lists the service.
	Workloads     []*Workload `expr:"workloads"`
	Source        Evidence
	ZtunnelSource Evidence
}

// Condition is a status condition of a Kubernetes object.
type Condition struct {
	Status  string `expr:"status"`
	Reason  string `expr:"reason"`
	Message string `expr:"message"`
}

// Policy is an authorization policy over the planes.
type Policy struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster    string    `expr:"cluster"`
	Created    time.Time `expr:"created"`
	AgeSeconds float64   `expr:"ageSeconds"`
	// Selector is spec.selector.matchLabels; nil selects the whole namespace.
	Selector  map[string]string `expr:"selector"`
	Namespace string            `expr:"namespace"`
	Name      string            `expr:"name"`
	Action    string            `expr:"action"`
	Scope     string            `expr:"scope"`
	RuleCount int               `expr:"ruleCount"`
	// InKubernetes is true of an AuthorizationPolicy object.
	InKubernetes bool `expr:"inKubernetes"`
	// Conditions are status conditions by type, such as "ZtunnelAccepted".
	Conditions map[string]Condition `expr:"conditions"`
	// SelectsEnrolled counts the enrolled pods that the policy selects.
	SelectsEnrolled int `expr:"selectsEnrolled"`
	// OnlyWaypoints are the waypoints' pods that its selector selects, where it selects nothing else of the mesh.
	OnlyWaypoints []*Pod `expr:"onlyWaypoints"`
	// HTTPAttributes are what its rules match that only a waypoint can see, such as "methods".
	HTTPAttributes []string `expr:"httpAttributes"`
	// Principals are all identities that its rules name, as they are written.
	Principals []string `expr:"principals"`
	// UnknownPrincipals are those of them that name a service account or a trust domain which the cluster does not have.
	UnknownPrincipals []string `expr:"unknownPrincipals"`
	// DryRun is true where annotation istio.io/dry-run asks for it not to be enforced.
	DryRun bool `expr:"dryRun"`
	// EnforcedBy are the ztunnels that hold it as one to enforce.
	EnforcedBy []*Ztunnel `expr:"enforcedBy"`
	// HeldEmpty are the ztunnels that hold it without a rule: as an ALLOW policy it then allows nothing.
	HeldEmpty []*Ztunnel `expr:"heldEmpty"`
	// DeniedPods are the enrolled pods that it selects and that no other ALLOW policy selects: what it does not allow is denied.
	DeniedPods  []*Pod     `expr:"deniedPods"`
	TargetRefs  bool       `expr:"targetRefs"`
	InIstiod    bool       `expr:"inIstiod"`
	Held        []*Ztunnel `expr:"held"`
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	// ReferencedBy are the ztunnels where a workload names the policy, and Unknown those of them that do not hold it.
	ReferencedBy  []*Ztunnel `expr:"referencedBy"`
	Unknown       []*Ztunnel `expr:"unknown"`
	Workloads     []string   `expr:"workloads"` // uids that name it
	Source        Evidence
	ZtunnelSource Evidence
}

// Waypoint is a waypoint or gateway: its Gateway object and its pods.
type Waypoint struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string    `expr:"cluster"`
	Created   time.Time `expr:"created"`
	Namespace string    `expr:"namespace"`
	Name      string    `expr:"name"`
	Class     string    `expr:"class"`
	// Kind is "waypoint" or "gateway".
	Kind string `expr:"kind"`
	// TrafficType is label istio.io/waypoint-for of it or its class: "service"
	// (the default), "workload", "all" or "none".
	TrafficType string      `expr:"trafficType"`
	Listeners   []*Listener `expr:"listeners"`
	// ClassKnown is true where its GatewayClass exists.
	ClassKnown bool `expr:"classKnown"`
	// Version is that of its connected proxies, as istiod tells; "" where none is connected.
	Version    string   `expr:"version"`
	Programmed bool     `expr:"programmed"`
	Addresses  []string `expr:"addresses"`
	Pods       []*Pod   `expr:"pods"`
	ReadyPods  int      `expr:"readyPods"`
	// Replicas is the Deployment's spec.replicas, -1 where it is not known.
	Replicas int `expr:"replicas"`
	// InUse is true where ztunnels send traffic of some service or workload to it.
	InUse      bool                 `expr:"inUse"`
	AgeSeconds float64              `expr:"ageSeconds"`
	Conditions map[string]Condition `expr:"conditions"`
	Source     Evidence
}

// Listener is one listener of a Gateway.
type Listener struct {
	Name     string `expr:"name"`
	Port     int    `expr:"port"`
	Protocol string `expr:"protocol"`
}
