package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// defaultTrustDomain is that of a mesh that was given none.
	defaultTrustDomain = "cluster.local"
	// clusterID is istiod's id of a cluster that was given none.
	clusterID = "Kubernetes"
)

// mesh is the model of a generated world: what there is, what every part was told of it, and what
// has happened. Faults change it before traffic is made.
type mesh struct {
	surroundings
	clusterID string
	network   string
	// trustDomain is that of all its identities.
	trustDomain string
	family      family
	version     string
	without     string
	now         time.Time
	started     time.Time // when the mesh's agents started
	broken      []failedCall
	// healthy are the objects of the mesh without its faults, by "<resource>/<ns>/<name>";
	// unmanaged, where it is set, takes them down.
	healthy, unmanaged map[string][]byte
	random             *rand.Rand
	nodes              []*meshNode
	pods               []*meshPod
	services           []*meshService
	policies           []*meshPolicy
	istiods            []*meshIstiod
	waypoint           *meshWaypoint
	ca                 *meshCA
	stray              *meshCA // an authority that the mesh's own doesn't know
	denied             []denial
	failures           []func(src, dst *meshPod) *failure // of HBONE connections; nil where one succeeds
	noClass            bool                               // the GatewayClass of waypoints is missing
	netpols            []*meshPod                         // one of each application whose inbound port 15008 a NetworkPolicy shuts
	fragments          fragments
	calls              []func(at time.Time) // that show the planted faults
	mu                 sync.RWMutex         // held while churn changes what is served
	chatter            []byte               // what every ztunnel has logged beside what it had to say
	finished           bool                 // its logs are
}

// meshNode is a node with the agents that run on it; either may be missing.
type meshNode struct {
	nodeModel
	ztunnel *ztunnel
	cni     *cniAgent
}

type cniAgent struct {
	pod       podModel
	lines     []logLine
	uncounted bool // its metrics have no ztunnel_connected
	// disconnected is true of an agent that no ztunnel is connected to, broken of one that could not install its plugin.
	disconnected, broken bool
	before               []byte // the log of its container before a restart
}

// proxyState is what a node's ztunnel holds of a local pod.
type proxyState int

const (
	proxyAbsent proxyState = iota
	proxyUp
	proxyPending
)

// meshPod is a pod with what istiod makes of it and what its node's ztunnel holds of it.
type meshPod struct {
	podModel
	app       string
	mesh      bool // meant to be in the mesh
	protocol  string
	hostNet   bool
	native    bool
	system    bool
	port      int32
	onNode    *meshNode
	services  []*meshService
	sent      []sentOn // by its Envoy; nil for what its like sends
	policies  []string
	bound     []*meshPolicy
	mute      bool // makes no calls
	plainOut  bool // its calls leave without HBONE though its ztunnel handles them
	gone      bool // deleted
	leaving   bool // deleted, and not all planes have heard of it
	faulty    bool // a fault was planted on it
	inIstiod  bool
	misjudged bool // istiod has its readiness wrong
	proxy     proxyState
	nextPort  int
	shutHBONE bool
	strict    bool   // demands mutual TLS
	podless   bool   // a workload that no pod stands behind
	uidAs     string // its uid, where that is not a pod's
	network   string // of a workload without a pod, other than the mesh's own
	cluster   string // its id
	domain    string // of its identity
	gateway   string // by which its network is reached
}

func (p *meshPod) uidWDS() string {
	if p.uidAs != "" {
		return p.uidAs
	}
	return cmp.Or(p.cluster, clusterID) + "//Pod/" + p.namespace + "/" + p.name
}

// healthy is what istiod says of the pod's readiness.
func (p *meshPod) healthy() bool { return p.ready != p.misjudged }

func (p *meshPod) ip() string { return p.ips[0] }

func (p *meshPod) identity() string {
	return "spiffe://" + cmp.Or(p.domain, defaultTrustDomain) + "/ns/" + p.namespace + "/sa/" + p.serviceAccount
}

// captured is true for a pod whose traffic its node's ztunnel handles.
func (p *meshPod) captured() bool { return p.proxy == proxyUp && p.onNode.ztunnel != nil }

// capturedAt is captured at a moment: a ztunnel that crashed, and is not back, handles nothing afterwards.
func (p *meshPod) capturedAt(at time.Time) bool {
	if !p.captured() {
		return false
	}
	c := p.onNode.ztunnel.crashed
	return c == nil || at.Before(c.at) || p.onNode.ztunnel.pod.ready
}

// sourcePort gives the next ephemeral port of the pod.
func (p *meshPod) sourcePort() int {
	p.nextPort++
	return 32768 + (p.nextPort*7)%28000
}

type meshService struct {
	serviceModel
	app     string
	port    int32
	target  int32
	pods    []*meshPod
	through *meshWaypoint
	sentTo  string         // the address that istiod names for its waypoint, where not the waypoint's service
	host    string         // of a ServiceEntry; Kubernetes has no such Service
	balance *loadBalancing // nil for the default
	foreign bool           // called from outside the mesh only
}

func (s *meshService) hostname() string {
	if s.host != "" {
		return s.host
	}
	return s.name + "." + s.namespace + ".svc.cluster.local"
}

func (s *meshService) key() string { return s.namespace + "/" + s.hostname() }

// meshPolicy allows the identities in principals to call the pods of app.
type meshPolicy struct {
	namespace, name string
	app             string
	principals      []string
	deny            bool // what it matches, where it is not an ALLOW policy
	plaintext       bool // it matches whoever comes without an identity
	empty           bool // it has no rule
	trial           bool // not to be enforced
	converted       bool // from a PeerAuthentication: Kubernetes has no such AuthorizationPolicy
}

func (p *meshPolicy) key() string { return p.namespace + "/" + p.name }

func (p *meshPolicy) admits(identity string) bool {
	return slices.Contains(p.principals, strings.TrimPrefix(identity, "spiffe://"))
}

type meshWaypoint struct {
	namespace, name string
	pod             *meshPod
	service         *meshService
	version         string // of its proxy, where not the mesh's
}

// members are the pods of the mesh that a fault may be planted on, in a stable order.
func (m *mesh) members() []*meshPod {
	var out []*meshPod
	for _, p := range m.pods {
		if p.mesh && !p.system && !p.native && p.proxy == proxyUp && p.onNode.ztunnel != nil {
			out = append(out, p)
		}
	}
	return out
}

// onNode are the node's pods of the mesh.
func (m *mesh) onNode(n *meshNode) []*meshPod {
	var out []*meshPod
	for _, p := range m.pods {
		if p.onNode == n && !p.system {
			out = append(out, p)
		}
	}
	return out
}

// logLine is one record of a plain ztunnel log without its timestamp.
type logLine struct {
	at   time.Time
	text string
}

func (l logLine) String() string {
	return l.at.UTC().Format("2006-01-02T15:04:05.000000Z") + "\t" + l.text + "\n"
}

// record builds a plain log line, ztunnel src/telemetry.rs.
func record(at time.Time, level, target, message, fields string) logLine {
	return logLine{at: at, text: level + "\t" + target + "\t" + message + "\t" + fields}
}

func nodeZone(i int) string { return fmt.Sprintf("eu-central-1%c", 'a'+i%3) }

// allBut is list without one, in a list of its own.
func allBut[T comparable](list []T, one T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(other T) bool { return other == one })
}
