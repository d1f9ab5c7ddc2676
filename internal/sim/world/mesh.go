package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// RemovePod takes p out of the mesh and its services.
func (m *Mesh) RemovePod(p *Pod) {
	m.Pods = AllBut(m.Pods, p)
	for _, s := range p.Services {
		s.Pods = AllBut(s.Pods, p)
	}
}

const (
	// defaultTrustDomain is that of a mesh that was given none.
	defaultTrustDomain = "cluster.local"
	// ClusterID is istiod's id of a cluster that was given none.
	ClusterID = "Kubernetes"
)

// Mesh is the model of a generated world: what there is, what every part was told of it, and what
// has happened. Faults change it before traffic is made.
type Mesh struct {
	surroundings
	clusterID string
	network   string
	// TrustDomain is that of all its identities.
	TrustDomain string
	Family      family
	Version     string
	without     string
	Now         time.Time
	Started     time.Time // when the mesh's agents started
	broken      []failedCall
	// healthy are the objects of the mesh without its faults, by "<resource>/<ns>/<name>";
	// unmanaged, where it is set, takes them down.
	healthy, unmanaged map[string][]byte
	Random             *rand.Rand
	Nodes              []*Node
	Pods               []*Pod
	Services           []*Service
	Policies           []*Policy
	Istiods            []*Istiod
	Waypoint           *Waypoint
	CA                 *meshCA
	Stray              *meshCA // an authority that the mesh's own doesn't know
	Denied             []Denial
	Failures           []func(src, dst *Pod) *Failure // of HBONE connections; nil where one succeeds
	NoClass            bool                           // the GatewayClass of waypoints is missing
	Netpols            []*Pod                         // one of each application whose inbound port 15008 a NetworkPolicy shuts
	Fragments          Fragments
	Calls              []func(at time.Time) // that show the planted faults
	Mu                 sync.RWMutex         // held while churn changes what is served
	chatter            []byte               // what every ztunnel has logged beside what it had to say
	finished           bool                 // its logs are
}

// Node is a node with the agents that run on it; either may be missing.
type Node struct {
	NodeModel
	Ztunnel *Ztunnel
	CNI     *CNIAgent
}

// CNIAgent is the istio-cni agent of a node.
type CNIAgent struct {
	Pod       PodModel
	Lines     []LogLine
	Uncounted bool // its metrics have no ztunnel_connected
	// Disconnected is true of an agent that no ztunnel is connected to, broken of one that could not install its plugin.
	Disconnected, Broken bool
	Before               []byte // the log of its container before a restart
}

// proxyState is what a node's ztunnel holds of a local pod.
type proxyState int

const (
	ProxyAbsent proxyState = iota
	ProxyUp
	ProxyPending
)

// Pod is a pod with what istiod makes of it and what its node's ztunnel holds of it.
type Pod struct {
	PodModel
	App       string
	Mesh      bool // meant to be in the mesh
	Protocol  string
	HostNet   bool
	Native    bool
	System    bool
	Port      int32
	OnNode    *Node
	Services  []*Service
	Sent      []SentOn // by its Envoy; nil for what its like sends
	Policies  []string
	Bound     []*Policy
	Mute      bool // makes no calls
	PlainOut  bool // its calls leave without HBONE though its ztunnel handles them
	Gone      bool // deleted
	Leaving   bool // deleted, and not all planes have heard of it
	Faulty    bool // a fault was planted on it
	InIstiod  bool
	Misjudged bool // istiod has its readiness wrong
	Proxy     proxyState
	nextPort  int
	ShutHBONE bool
	Strict    bool   // demands mutual TLS
	Podless   bool   // a workload that no pod stands behind
	UIDAs     string // its uid, where that is not a pod's
	Network   string // of a workload without a pod, other than the mesh's own
	cluster   string // its id
	domain    string // of its identity
	gateway   string // by which its network is reached
}

func (p *Pod) uidWDS() string {
	if p.UIDAs != "" {
		return p.UIDAs
	}
	return cmp.Or(p.cluster, ClusterID) + "//Pod/" + p.Namespace + "/" + p.Name
}

// healthy is what istiod says of the pod's readiness.
func (p *Pod) healthy() bool { return p.Ready != p.Misjudged }

// IP is the first of the pod's addresses.
func (p *Pod) IP() string { return p.IPs[0] }

// Identity is the pod's SPIFFE ID.
func (p *Pod) Identity() string {
	return "spiffe://" + cmp.Or(p.domain, defaultTrustDomain) + "/ns/" + p.Namespace + "/sa/" + p.ServiceAccount
}

// Captured is true for a pod whose traffic its node's ztunnel handles.
func (p *Pod) Captured() bool { return p.Proxy == ProxyUp && p.OnNode.Ztunnel != nil }

// capturedAt is captured at a moment: a ztunnel that crashed, and is not back, handles nothing afterwards.
func (p *Pod) capturedAt(at time.Time) bool {
	if !p.Captured() {
		return false
	}
	c := p.OnNode.Ztunnel.Crashed
	return c == nil || at.Before(c.At) || p.OnNode.Ztunnel.Pod.Ready
}

// sourcePort gives the next ephemeral port of the pod.
func (p *Pod) sourcePort() int {
	p.nextPort++
	return 32768 + (p.nextPort*7)%28000
}

// Service is a Service, or the host of a ServiceEntry, with its endpoints.
type Service struct {
	ServiceModel
	App     string
	Port    int32
	Target  int32
	Pods    []*Pod
	Through *Waypoint
	SentTo  string         // the address that istiod names for its waypoint, where not the waypoint's service
	Host    string         // of a ServiceEntry; Kubernetes has no such Service
	Balance *LoadBalancing // nil for the default
	Foreign bool           // called from outside the mesh only
}

// Hostname is the name that clients call.
func (s *Service) Hostname() string {
	if s.Host != "" {
		return s.Host
	}
	return s.Name + "." + s.Namespace + ".svc.cluster.local"
}

func (s *Service) key() string { return s.Namespace + "/" + s.Hostname() }

// Policy allows the identities in principals to call the pods of app.
type Policy struct {
	Namespace, Name string
	App             string
	Principals      []string
	Deny            bool // what it matches, where it is not an ALLOW policy
	Plaintext       bool // it matches whoever comes without an identity
	Empty           bool // it has no rule
	Trial           bool // not to be enforced
	Converted       bool // from a PeerAuthentication: Kubernetes has no such AuthorizationPolicy
}

// Key is NAMESPACE/NAME.
func (p *Policy) Key() string { return p.Namespace + "/" + p.Name }

func (p *Policy) admits(identity string) bool {
	return slices.Contains(p.Principals, strings.TrimPrefix(identity, "spiffe://"))
}

// Waypoint is a waypoint with the pod and the Service that stand for it.
type Waypoint struct {
	Namespace, Name string
	Pod             *Pod
	Service         *Service
	Version         string // of its proxy, where not the mesh's
}

// Members are the pods of the mesh that a fault may be planted on, in a stable order.
func (m *Mesh) Members() []*Pod {
	var out []*Pod
	for _, p := range m.Pods {
		if p.Mesh && !p.System && !p.Native && p.Proxy == ProxyUp && p.OnNode.Ztunnel != nil {
			out = append(out, p)
		}
	}
	return out
}

// OnNode are the node's pods of the mesh.
func (m *Mesh) OnNode(n *Node) []*Pod {
	var out []*Pod
	for _, p := range m.Pods {
		if p.OnNode == n && !p.System {
			out = append(out, p)
		}
	}
	return out
}

// LogLine is one record of a plain ztunnel log without its timestamp.
type LogLine struct {
	At   time.Time
	text string
}

func (l LogLine) String() string {
	return l.At.UTC().Format("2006-01-02T15:04:05.000000Z") + "\t" + l.text + "\n"
}

// Record builds a plain log line, ztunnel src/telemetry.rs.
func Record(at time.Time, level, target, message, fields string) LogLine {
	return LogLine{At: at, text: level + "\t" + target + "\t" + message + "\t" + fields}
}

// NodeZone is the zone of node i.
func NodeZone(i int) string { return fmt.Sprintf("eu-central-1%c", 'a'+i%3) }

// AllBut is list without one, in a list of its own.
func AllBut[T comparable](list []T, one T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(other T) bool { return other == one })
}
