package mesh

import "time"

// Peer is one end of a flow.
type Peer struct {
	Address   string    `expr:"address"` // IP without the port
	Namespace string    `expr:"namespace"`
	Name      string    `expr:"name"` // the workload's, as the log names it
	Identity  string    `expr:"identity"`
	Workload  *Workload `expr:"workload"`
	Pod       *Pod      `expr:"pod"`
	Ztunnel   *Ztunnel  `expr:"ztunnel"` // of the pod's node
	// Captured is true where the pod is Up in its own node's ztunnel.
	Captured bool `expr:"captured"`
	// HBONE is true where the planes say that the workload speaks HBONE through ztunnel.
	HBONE bool `expr:"hbone"`
	// Envoy is true of gateways, waypoints and sidecars, which have their own mTLS.
	Envoy bool `expr:"envoy"`
	// NodeAddress is true where the address is a node's own: kubelet, host network, or a NATed caller.
	NodeAddress bool `expr:"nodeAddress"`
	// Gone is true where the log names a pod that Kubernetes no longer has.
	Gone bool `expr:"gone"`
	// Remote is true where another cluster of the bundle has the pod, and this one has not.
	Remote bool `expr:"remote"`

	key string // of its subject
}

// Observation is what one ztunnel saw of equal connections: access lines with
// the same ends, direction and outcome, or open connections of its dump.
type Observation struct {
	Ztunnel   *Ztunnel
	Inbound   bool
	Origin    string // "access-log" or "connections"
	SourceIP  string
	DestIP    string // of the workload: of dst.hbone_addr where there is one
	Port      int    // the application's, 0 where only the HBONE port is known
	Target    string // dst.addr of a connection that never got a destination
	Source    Name
	Dest      Name
	Service   string
	HBONE     bool
	Class     string
	Error     string
	Policy    string
	Count     int
	Sent      int64
	Received  int64
	First     time.Time
	Last      time.Time
	Aftermath Aftermath // of failures
	// ByService tells the aftermath for each service that the source called, of
	// failures that name only the address that was dialled; nil of all others.
	ByService map[string]*Aftermath
	Evidences []Evidence
}

// Name is a workload as an access line names it.
type Name struct {
	Namespace string
	Name      string
	Identity  string
}

// Flow is all connections between two ends that went the same way with the
// same outcome, taken from the access logs of both ends, or from a dump's
// open connections. A failure that both ends saw is one flow.
type Flow struct {
	Source      *Peer  `expr:"source"`
	Destination *Peer  `expr:"destination"`
	Service     string `expr:"service"` // hostname, "" for calls by address
	// Called is the service, where the planes know it.
	Called *Service `expr:"called"`
	// Target is what the client dialled where nothing else is known of the
	// destination: "10.96.10.9:80".
	Target string `expr:"target"`
	Port   int    `expr:"port"` // the destination's application port, 0 where unknown
	// HBONE is true where the connection went, or was to go, over HBONE.
	HBONE bool `expr:"hbone"`
	// Origin is "access-log", "connections" or "metrics". Metrics name workloads,
	// not pods, and stand here only for plain text that no log line tells of.
	Origin string `expr:"origin"`
	// Ztunnels are those whose metrics it was read from.
	Ztunnels []*Ztunnel `expr:"-"`
	// AtSource and AtDestination tell which side's ztunnel saw it.
	AtSource      bool `expr:"atSource"`
	AtDestination bool `expr:"atDestination"`
	// Class is the error class ("" for success): the destination's where both
	// sides told, since the source knows only a status there.
	Class            string `expr:"class"`
	SourceClass      string `expr:"sourceClass"`
	DestinationClass string `expr:"destinationClass"`
	// Error is a sample of the text behind Class.
	Error  string `expr:"error"`
	Policy string `expr:"policy"` // "<ns>/<name>" that denied, where the text names one
	// Strict is true of plain text that was denied because a PeerAuthentication demands mutual TLS.
	Strict        bool      `expr:"strict"`
	Count         int       `expr:"count"`
	BytesSent     int64     `expr:"bytesSent"`
	BytesReceived int64     `expr:"bytesReceived"`
	First         time.Time `expr:"first"`
	Last          time.Time `expr:"last"`
	// LastSeconds is how long before the capture the last of them was.
	LastSeconds float64 `expr:"lastSeconds"`
	// State is "ongoing", "over" or "unknown", of failures: whether they still happen at the capture.
	State State `expr:"state"`
	// OKBefore, OKBetween and OKSince count what succeeded between the same two ends
	// before the first of the failures, among them, and since the last.
	OKBefore  int `expr:"okBefore"`
	OKBetween int `expr:"okBetween"`
	OKSince   int `expr:"okSince"`
	// During names the start or end of a pod or ztunnel that all of it is a part of, "" for none.
	During string `expr:"during"`
	// OKAfter is true where a connection between the same two ends succeeded
	// after Last: the failure is over.
	OKAfter bool `expr:"okAfter"`
	// DestinationYoung is true where all of it happened before the destination
	// pod was a minute old: applications come up after their proxies.
	DestinationYoung bool `expr:"destinationYoung"`
	// DestinationZtunnelDown is true where the destination's ztunnel started after Last.
	DestinationZtunnelDown bool `expr:"destinationZtunnelDown"`
	// InReach counts the healthy endpoints of Called that its strict load balancing
	// leaves to the source, -1 where it is not strict or the source's place is not known.
	InReach int `expr:"inReach"`
	// YoungestPodSeconds and OldestZtunnelSeconds are set for flows of metrics:
	// counters may be older than a pod's enrolment.
	YoungestPodSeconds   float64 `expr:"youngestPodSeconds"`
	OldestZtunnelSeconds float64 `expr:"oldestZtunnelSeconds"`
	Aftermath            Aftermath
	Evidences            []Evidence
}

// Series is one family of ztunnel's TCP counters for one pair of workloads,
// summed over ztunnels and flags. Names are workload names, not pods'.
type Series struct {
	Reporter             string `expr:"reporter"` // "source" or "destination"
	SourceNamespace      string `expr:"sourceNamespace"`
	SourceWorkload       string `expr:"sourceWorkload"`
	SourcePrincipal      string `expr:"sourcePrincipal"`
	DestinationNamespace string `expr:"destinationNamespace"`
	DestinationWorkload  string `expr:"destinationWorkload"`
	DestinationService   string `expr:"destinationService"`
	// MutualTLS is connection_security_policy "mutual_tls".
	MutualTLS bool    `expr:"mutualTls"`
	Opened    float64 `expr:"opened"`
	Failed    float64 `expr:"failed"`
	// BothHBONE is true where every workload of either name is HBONE and captured.
	BothHBONE bool `expr:"bothHbone"`
	// YoungestPodSeconds is the age of the youngest pod of both names: a counter may be older than a pod's enrolment.
	YoungestPodSeconds float64 `expr:"youngestPodSeconds"`
	// OldestZtunnelSeconds is how long that of its ztunnels has run which has run longest.
	OldestZtunnelSeconds float64    `expr:"oldestZtunnelSeconds"`
	Ztunnels             []*Ztunnel `expr:"ztunnels"`
	// Sample and SampleValue are what stands at Source, whose text is made of them when it is asked for.
	Sample      string  `expr:"-"`
	SampleValue float64 `expr:"-"`
	Source      Evidence
}

// Log is one distinct message of one container: the same level, target and
// text with the times it stood there. Access lines are flows, not logs.
type Log struct {
	Component string   `expr:"component"` // "ztunnel", "istiod", "istio-cni", "gateway"
	Namespace string   `expr:"namespace"`
	PodName   string   `expr:"podName"`
	NodeName  string   `expr:"nodeName"`
	Pod       *Pod     `expr:"pod"`
	Ztunnel   *Ztunnel `expr:"ztunnel"` // of the pod itself, or of the node for a CNI agent
	CNI       *CNI     `expr:"cni"`
	Istiod    *Istiod  `expr:"istiod"`
	Level     string   `expr:"level"`  // "error", "warn", "info", …
	Target    string   `expr:"target"` // "xds::client"
	// About is the workload of the line's span, "<ns>/<pod>", or "".
	About string `expr:"about"`
	// AboutPod is the pod that the line's span, fields or text name; nil for none, and for one that is gone.
	AboutPod    *Pod              `expr:"aboutPod"`
	Message     string            `expr:"message"`
	Fields      map[string]string `expr:"fields"`
	Count       int               `expr:"count"`
	First       time.Time         `expr:"first"`
	Last        time.Time         `expr:"last"`
	LastSeconds float64           `expr:"lastSeconds"`
	// SpanSeconds is how long there was from the first to the last.
	SpanSeconds float64 `expr:"spanSeconds"`
	// Previous is true where it stands in the log of the container before its restart.
	Previous bool `expr:"previous"`
	// AfterStart is true where the last of them came after the process's last start.
	AfterStart bool `expr:"afterStart"`
	Source     Evidence
}
