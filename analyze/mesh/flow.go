package mesh

import (
	"strings"
	"time"
)

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
	// Fault tells whose failure it is: "mesh", "application" for an application's or a destination's outside
	// the mesh, and "" for what went well, was denied by a policy or was closed in good order.
	Fault string `expr:"fault"`
	// Outage is true where the service was reached before, and its last five calls or more all failed.
	Outage bool `expr:"outage"`
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

// Subject of a flow is its destination, where connections fail or go plain.
func (f *Flow) Subject() Subject {
	if f.Destination.Pod == nil && f.Destination.Name == "" && f.Service != "" {
		return serviceSubject(f.Service)
	}
	return f.Destination.Subject()
}

func (f *Flow) Refs() []string {
	keys := []string{f.Subject().Key()}
	keys = append(keys, f.Destination.refs()...)
	keys = append(keys, f.Source.refs()...)
	if f.Service != "" {
		keys = append(keys, serviceSubject(f.Service).Key())
	}
	if f.Called != nil && f.Destination.Pod == nil {
		keys = append(keys, f.Called.Refs()...)
	}
	for _, z := range f.Ztunnels {
		keys = append(keys, z.Refs()...)
	}
	if f.Policy != "" {
		ns, name, _ := strings.Cut(f.Policy, "/")
		keys = append(keys, Subject{Kind: "authorizationpolicy", Namespace: ns, Name: name}.Key())
	} else if pod := f.Destination.Pod; f.Class == "policy-denied" && pod != nil {
		// Where no ALLOW policy fitted, ztunnel names none: it may be any of them.
		keys = append(keys, keysOf(pod.allow)...)
	}
	return refs(keys...)
}

func (f *Flow) Evidence() []Evidence    { return f.Evidences }
func (f *Flow) Gap(string) (*Gap, bool) { return nil, false }

// Kin names the failures that are alike: of one class, at one destination or,
// where none was chosen, of one service.
func (f *Flow) Kin() string {
	if f.Destination.Address == "" && f.Service != "" {
		return f.Class + " " + f.Service
	}
	return f.Class + " " + f.Destination.subjectKey()
}
