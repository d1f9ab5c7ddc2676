package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// ztunnel is one node's ztunnel: where what it holds differs from what istiod means it to hold,
// and what it has logged and counted.
type ztunnel struct {
	mesh    *mesh
	node    *meshNode
	pod     *meshPod
	version string
	family  family

	missing   map[*meshPod]bool // never told of
	lacks     map[*meshService]bool
	waiting   bool                 // its container was never started
	faulty    bool                 // a fault was planted on it that nothing else tells of
	leaked    []*meshPod           // handed over and gone, as Pending
	settings  map[string]string    // of its configuration, where not as recorded
	before    []logLine            // of its container before a restart in order
	plain     map[*meshPod]bool    // held without HBONE
	unknown   map[string]bool      // policies never told of
	stale     []*meshPod           // held though they are gone
	certs     map[string]certState // by identity, where not as they should be
	empty     bool                 // never synced
	pending   []string             // readiness tasks
	rejected  string               // what the last push was refused for
	ends      map[string]int       // of xDS streams, by reason
	connected bool
	hangs     bool
	crashed   *crash
	began     time.Time // of the process, where not with the mesh
	series    *counters
	lines     []logLine
	rewrite   func(lines []string) []string // of /metrics
}

// certState is what a ztunnel holds for an identity other than a fresh certificate.
type certState struct {
	absent       bool
	unavailable  string
	initializing bool
	notBefore    time.Time
	notAfter     time.Time
	ca           *meshCA
}

// crash is how the container's previous instance ended.
type crash struct {
	restarts int32
	at       time.Time
	lines    []logLine
}

func newZtunnel(m *mesh, n *meshNode, p *meshPod) *ztunnel {
	return &ztunnel{
		mesh: m, node: n, pod: p, version: m.version, family: m.family,
		missing: map[*meshPod]bool{}, lacks: map[*meshService]bool{}, plain: map[*meshPod]bool{},
		unknown: map[string]bool{}, certs: map[string]certState{}, ends: map[string]int{},
		connected: true, series: newCounters(),
	}
}

// knows says whether the ztunnel was told of p.
func (z *ztunnel) knows(p *meshPod) bool {
	return !z.empty && !z.missing[p] && (p.inIstiod || slices.Contains(z.stale, p))
}

// hbone says whether the ztunnel would send HBONE to p.
func (z *ztunnel) hbone(p *meshPod) bool { return p.protocol == "HBONE" && !z.plain[p] }

// holds are the pods that the ztunnel was told of, sorted by uid as it prints them.
func (z *ztunnel) holds() []*meshPod {
	if z.empty {
		return nil
	}
	var out []*meshPod
	for _, p := range z.mesh.pods {
		if z.knows(p) {
			out = append(out, p)
		}
	}
	return sortedByUID(append(out, z.stale...))
}

// sortedByUID makes up each uid once: every ztunnel sorts all pods for every dump.
func sortedByUID(pods []*meshPod) []*meshPod {
	type named struct {
		uid string
		pod *meshPod
	}
	list := make([]named, len(pods))
	for i, p := range pods {
		list[i] = named{p.uidWDS(), p}
	}
	slices.SortFunc(list, func(a, b named) int { return strings.Compare(a.uid, b.uid) })
	for i, n := range list {
		pods[i] = n.pod
	}
	return pods
}

// endpoints are the pods that the ztunnel would send a call to s to.
func (z *ztunnel) endpoints(s *meshService) []*meshPod {
	var out []*meshPod
	for _, p := range s.pods {
		if z.knows(p) && p.healthy() && slices.Contains(p.services, s) {
			out = append(out, p)
		}
	}
	for _, p := range z.stale {
		if slices.Contains(p.services, s) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// locals are the node's pods that the CNI agent handed over.
func (z *ztunnel) locals() []*meshPod {
	if z.empty {
		return nil
	}
	var out []*meshPod
	for _, p := range z.mesh.onNode(z.node) {
		if p.proxy != proxyAbsent {
			out = append(out, p)
		}
	}
	return append(out, z.leaked...)
}

// identities are those that the ztunnel keeps certificates for: of the node's HBONE workloads that
// it was told of, and of those that were handed over. Certificates follow WDS, not the proxies.
func (z *ztunnel) identities() []string {
	set := map[string]bool{}
	for _, p := range z.mesh.onNode(z.node) {
		if z.knows(p) && !p.native && (p.protocol == "HBONE" || p.proxy == proxyUp) {
			set[p.identity()] = true
		}
	}
	var out []string
	for identity := range set {
		if !z.certs[identity].absent {
			out = append(out, identity)
		}
	}
	slices.Sort(out)
	return out
}

func (z *ztunnel) ready() bool { return len(z.pending) == 0 }

// shuffle is the ztunnel's own random order, as its hash maps give one.
func (z *ztunnel) shuffle() *rand.Rand {
	id := stableUID("order", z.pod.uid)
	return rand.New(rand.NewPCG(uint64(id[0])<<8|uint64(id[1]), uint64(id[2])<<8|uint64(id[3])))
}
