package world

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// Answers is true of a ztunnel that can be asked.
func (z *Ztunnel) Answers() bool { return !z.Mute() && !z.Waiting && !z.Node.Dead }

// Mute is true for a ztunnel that tells nobody anything, so that no evidence may hang on it.
func (z *Ztunnel) Mute() bool { return z.Hangs || z.Crashed != nil }

// Touched is true of a ztunnel that a fault was planted on.
func (z *Ztunnel) Touched() bool {
	return z.Hangs || z.Faulty || z.Crashed != nil || !z.Connected || z.Rejected != "" || len(z.Pending) > 0 ||
		len(z.Missing)+len(z.Stale)+len(z.Certs)+len(z.Unknown) > 0
}

// drift keeps n workloads of other nodes, others for each, from every ztunnel.
func (m *Mesh) drift(n int) {
	for _, node := range m.Nodes {
		if node.Ztunnel == nil {
			continue
		}
		for tries := 0; len(node.Ztunnel.Missing) < n && tries < 100*n; tries++ {
			if p := m.Pods[m.Random.IntN(len(m.Pods))]; p.OnNode != node {
				node.Ztunnel.Missing[p] = true
			}
		}
	}
}

// ZtunnelAdminPort is where a ztunnel serves its config dump.
const ZtunnelAdminPort = 15000

// ZtunnelPorts are the ports that a ztunnel serves on.
func ZtunnelPorts(dump, metrics, ready http.HandlerFunc) map[int32]kubeapi.Port {
	admin, stats, readiness := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	admin.HandleFunc("GET /config_dump", dump)
	stats.HandleFunc("GET /metrics", metrics)
	stats.HandleFunc("GET /stats/prometheus", metrics)
	readiness.HandleFunc("GET /healthz/ready", ready)
	return map[int32]kubeapi.Port{
		ZtunnelAdminPort: {Handler: admin, Loopback: true},
		15020:            {Handler: stats},
		15021:            {Handler: readiness},
	}
}

// Ztunnel is one node's ztunnel: where what it holds differs from what istiod means it to hold,
// and what it has logged and counted.
type Ztunnel struct {
	mesh    *Mesh
	Node    *Node
	Pod     *Pod
	Version string
	Family  family

	Missing   map[*Pod]bool // never told of
	Lacks     map[*Service]bool
	Waiting   bool                 // its container was never started
	Faulty    bool                 // a fault was planted on it that nothing else tells of
	Leaked    []*Pod               // handed over and gone, as Pending
	Settings  map[string]string    // of its configuration, where not as recorded
	Before    []LogLine            // of its container before a restart in order
	plain     map[*Pod]bool        // held without HBONE
	Unknown   map[string]bool      // policies never told of
	Stale     []*Pod               // held though they are gone
	Certs     map[string]CertState // by identity, where not as they should be
	Empty     bool                 // never synced
	Pending   []string             // readiness tasks
	Rejected  string               // what the last push was refused for
	Ends      map[string]int       // of xDS streams, by reason
	Connected bool
	Hangs     bool
	Crashed   *Crash
	Began     time.Time // of the process, where not with the mesh
	Series    *counters
	Lines     []LogLine
	Rewrite   func(lines []string) []string // of /metrics
}

// CertState is what a ztunnel holds for an identity other than a fresh certificate.
type CertState struct {
	Absent       bool
	Unavailable  string
	Initializing bool
	NotBefore    time.Time
	NotAfter     time.Time
	CA           *meshCA
}

// Crash is how the container's previous instance ended.
type Crash struct {
	Restarts int32
	At       time.Time
	lines    []LogLine
}

func newZtunnel(m *Mesh, n *Node, p *Pod) *Ztunnel {
	return &Ztunnel{
		mesh: m, Node: n, Pod: p, Version: m.Version, Family: m.Family,
		Missing: map[*Pod]bool{}, Lacks: map[*Service]bool{}, plain: map[*Pod]bool{},
		Unknown: map[string]bool{}, Certs: map[string]CertState{}, Ends: map[string]int{},
		Connected: true, Series: newCounters(),
	}
}

// knows says whether the ztunnel was told of p.
func (z *Ztunnel) knows(p *Pod) bool {
	return !z.Empty && !z.Missing[p] && (p.InIstiod || slices.Contains(z.Stale, p))
}

// HBONE says whether the ztunnel would send HBONE to p.
func (z *Ztunnel) HBONE(p *Pod) bool { return p.Protocol == "HBONE" && !z.plain[p] }

// holds are the pods that the ztunnel was told of, sorted by uid as it prints them.
func (z *Ztunnel) holds() []*Pod {
	if z.Empty {
		return nil
	}
	var out []*Pod
	for _, p := range z.mesh.Pods {
		if z.knows(p) {
			out = append(out, p)
		}
	}
	return sortedByUID(append(out, z.Stale...))
}

// sortedByUID makes up each uid once: every ztunnel sorts all pods for every dump.
func sortedByUID(pods []*Pod) []*Pod {
	type named struct {
		uid string
		pod *Pod
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
func (z *Ztunnel) endpoints(s *Service) []*Pod {
	var out []*Pod
	for _, p := range s.Pods {
		if z.knows(p) && p.healthy() && slices.Contains(p.Services, s) {
			out = append(out, p)
		}
	}
	for _, p := range z.Stale {
		if slices.Contains(p.Services, s) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Locals are the node's pods that the CNI agent handed over.
func (z *Ztunnel) Locals() []*Pod {
	if z.Empty {
		return nil
	}
	var out []*Pod
	for _, p := range z.mesh.OnNode(z.Node) {
		if p.Proxy != ProxyAbsent {
			out = append(out, p)
		}
	}
	return append(out, z.Leaked...)
}

// Identities are those that the ztunnel keeps certificates for: of the node's HBONE workloads that
// it was told of, and of those that were handed over. Certificates follow WDS, not the proxies.
func (z *Ztunnel) Identities() []string {
	set := map[string]bool{}
	for _, p := range z.mesh.OnNode(z.Node) {
		if z.knows(p) && !p.Native && (p.Protocol == "HBONE" || p.Proxy == ProxyUp) {
			set[p.Identity()] = true
		}
	}
	var out []string
	for identity := range set {
		if !z.Certs[identity].Absent {
			out = append(out, identity)
		}
	}
	slices.Sort(out)
	return out
}

func (z *Ztunnel) ready() bool { return len(z.Pending) == 0 }

// shuffle is the ztunnel's own random order, as its hash maps give one.
func (z *Ztunnel) shuffle() *rand.Rand {
	id := StableUID("order", z.Pod.UID)
	return rand.New(rand.NewPCG(uint64(id[0])<<8|uint64(id[1]), uint64(id[2])<<8|uint64(id[3])))
}
