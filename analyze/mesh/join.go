package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// index is how joins find things: by key, never by scanning pairs.
type index struct {
	namespaces map[string]*Namespace
	nodes      map[string]*Node
	podByName  map[string]*Pod // "<ns>/<name>"
	podByUID   map[string]*Pod
	podByIP    map[string]*Pod // pods of their own network namespace only
	nodeByIP   map[string]*Node
	ztunnels   map[string]*Ztunnel // by node
	ztunnelPod map[string]*Ztunnel // "<ns>/<name>"
	workloads  map[string]*Workload
	byIP       map[string]*Workload     // standard network mode only
	byPod      map[string]*Workload     // "<ns>/<name>" of local pods
	services   map[string]*Service      // "<ns>/<name>"
	policies   map[string]*Policy       // "<ns>/<name>"
	byVIP      map[string]*Service      // made at the first look-up
	clashes    map[string]*AddressClash // "<network>/<address>"
}

// Join derives everything that takes more than one artifact to know. It is
// called once, when all of a bundle has been read.
func (m *Mesh) Join() {
	m.sort()
	m.indexCluster()
	m.joinReboots()
	m.joinEvents()
	m.joinPods()
	m.joinAgents()
	m.joinLooks()
	m.joinWorkloads()
	m.joinServices()
	m.joinPolicies()
	m.joinWaypoints()
	m.joinMeshConfig()
	m.joinTrafficConfig()
	m.joinEnvoys()
	m.joinCertificates()
	m.joinXDS()
	m.joinLogs()
	m.joinNetworkPolicies()
	m.joinComponents()
	m.joinNetworks()
	m.joinTraffic()
	m.joinKnownBugs()
}

// sort puts what was read in archive order into an order that does not
// depend on it, so that the same mesh always gives the same report.
func (m *Mesh) sort() {
	slices.SortFunc(m.Namespaces, func(a, b *Namespace) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(m.Nodes, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(m.Pods, func(a, b *Pod) int { return compareNames(a.Namespace, a.Name, b.Namespace, b.Name) })
	slices.SortFunc(m.Ztunnels, func(a, b *Ztunnel) int { return compareNames(a.NodeName, a.Name, b.NodeName, b.Name) })
	slices.SortFunc(m.Istiods, func(a, b *Istiod) int { return compareNames(a.Namespace, a.Name, b.Namespace, b.Name) })
	slices.SortFunc(m.CNIs, func(a, b *CNI) int { return compareNames(a.NodeName, a.Name, b.NodeName, b.Name) })
}

func compareNames(ns1, n1, ns2, n2 string) int {
	return cmp.Or(cmp.Compare(ns1, ns2), cmp.Compare(n1, n2))
}

func (m *Mesh) indexCluster() {
	x := index{
		namespaces: make(map[string]*Namespace, len(m.Namespaces)),
		nodes:      make(map[string]*Node, len(m.Nodes)),
		podByName:  make(map[string]*Pod, len(m.Pods)),
		podByUID:   make(map[string]*Pod, len(m.Pods)),
		podByIP:    make(map[string]*Pod, len(m.Pods)),
		nodeByIP:   make(map[string]*Node, len(m.Nodes)),
		ztunnels:   make(map[string]*Ztunnel, len(m.Ztunnels)),
		ztunnelPod: make(map[string]*Ztunnel, len(m.Ztunnels)),
		workloads:  map[string]*Workload{},
		byIP:       map[string]*Workload{},
		byPod:      map[string]*Workload{},
		services:   map[string]*Service{},
		policies:   map[string]*Policy{},
		clashes:    map[string]*AddressClash{},
	}
	for _, n := range m.Namespaces {
		n.Ambient = n.Labels[istio.DataplaneModeLabel] == "ambient"
		x.namespaces[n.Name] = n
	}
	for _, n := range m.Nodes {
		n.AgeSeconds = m.Age(n.Created)
		x.nodes[n.Name] = n
		for _, a := range n.Addresses {
			x.nodeByIP[a] = n
		}
	}
	for _, p := range m.Pods {
		x.podByName[p.Namespace+"/"+p.Name] = p
		x.podByUID[p.UID] = p
		if !p.HostNetwork && p.Phase == "Running" {
			for _, ip := range p.IPs {
				x.podByIP[ip] = p
			}
		}
	}
	for _, z := range m.Ztunnels {
		x.ztunnelPod[z.Namespace+"/"+z.Name] = z
		if old := x.ztunnels[z.NodeName]; old == nil || !old.HasDump {
			x.ztunnels[z.NodeName] = z
		}
	}
	m.index = x
	m.settleIdentity()
}

// settleIdentity decides trust domain and cluster id where istiod did not say.
func (m *Mesh) settleIdentity() {
	if m.TrustDomain == "" {
		m.TrustDomain = most(m.Ztunnels, "cluster.local", func(z *Ztunnel) []string {
			var tds []string
			for _, c := range z.Certificates {
				if rest, ok := strings.CutPrefix(c.Identity, "spiffe://"); ok {
					td, _, _ := strings.Cut(rest, "/")
					tds = append(tds, td)
				}
			}
			return tds
		})
	}
	if m.ClusterID == "" {
		m.ClusterID = most(m.Ztunnels, "Kubernetes", func(z *Ztunnel) []string { return []string{z.ClusterID} })
	}
	m.Network = most(m.Ztunnels, "", func(z *Ztunnel) []string { return []string{z.Network} })
	if m.RootNamespace == "" {
		m.RootNamespace = "istio-system"
	}
}

// most is the value named most often, or otherwise.
func most(zs []*Ztunnel, otherwise string, values func(*Ztunnel) []string) string {
	counts := map[string]int{}
	for _, z := range zs {
		for _, v := range values(z) {
			if v != "" {
				counts[v]++
			}
		}
	}
	best := otherwise
	for _, v := range sortedKeys(counts) {
		if counts[v] > counts[best] {
			best = v
		}
	}
	return best
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (m *Mesh) spiffe(ns, sa string) string {
	if sa == "" {
		sa = "default"
	}
	return "spiffe://" + m.TrustDomain + "/ns/" + ns + "/sa/" + sa
}
