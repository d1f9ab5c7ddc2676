// Package mesh is the model of an ambient mesh that rules see: what Kubernetes
// intends, what istiod would send and what each ztunnel holds, joined per pod,
// workload, service, policy and identity, with the traffic that was observed.
//
// The loader fills the fields that stand in the bundle; Join derives the rest.
// Field names in expr expressions are given by the expr tags. Every thing
// knows its evidence: the file and the line or JSON pointer it was read from.
package mesh

import "time"

// Mesh is everything one bundle says about one mesh.
type Mesh struct {
	// Captured is the cluster's time at the capture; all ages are measured from it.
	Captured time.Time `expr:"captured"`
	// CapturedKnown is false where Captured is only a lower bound, as for bare dumps.
	CapturedKnown bool   `expr:"capturedKnown"`
	Cluster       string `expr:"cluster"`
	// TrustDomain is the mesh's, "cluster.local" where nothing says otherwise.
	TrustDomain   string `expr:"trustDomain"`
	RootNamespace string `expr:"rootNamespace"`
	// ClusterID is istiod's and ztunnel's id of the local cluster, "Kubernetes" by default.
	ClusterID string `expr:"clusterId"`
	// Network is that of most of its ztunnels, "" where there is but one.
	Network string `expr:"network"`
	// Peers are the other clusters of the mesh, in a bundle of several.
	Peers []*Mesh `expr:"peers"`

	// TrustDomainAliases are the other trust domains whose identities count as the mesh's own.
	TrustDomainAliases []string `expr:"trustDomainAliases"`
	// ServiceAccounts are those of the cluster, "<ns>/<name>".
	ServiceAccounts map[string]bool `expr:"-"`
	// Definitions are the names of the CustomResourceDefinitions, "gateways.gateway.networking.k8s.io".
	Definitions []string `expr:"definitions"`
	// CalicoEBPF is true where Calico's eBPF data plane is on, CalicoVersion the version of its nodes' image.
	CalicoEBPF    bool   `expr:"calicoEbpf"`
	CalicoVersion string `expr:"calicoVersion"`
	// ProbeSources are the addresses that istio-cni was told to give the kubelet's probes.
	ProbeSources []string `expr:"-"`
	// NetworkGateways are the gateways to other networks that istiods know (/debug/networkz).
	NetworkGateways []*NetworkGateway `expr:"networkGateways"`
	// DiscoverySelectors is true where istiod looks at a part of the namespaces only.
	DiscoverySelectors bool `expr:"discoverySelectors"`

	Namespaces          []*Namespace      `expr:"namespaces"`
	Nodes               []*Node           `expr:"nodes"`
	Pods                []*Pod            `expr:"pods"`
	DaemonSets          []*DaemonSet      `expr:"daemonSets"`
	Services            []*Service        `expr:"services"`
	Workloads           []*Workload       `expr:"workloads"`
	Policies            []*Policy         `expr:"policies"`
	Ztunnels            []*Ztunnel        `expr:"ztunnels"`
	Istiods             []*Istiod         `expr:"istiods"`
	CNIs                []*CNI            `expr:"cnis"`
	Waypoints           []*Waypoint       `expr:"waypoints"`
	ServiceEntries      []*ServiceEntry   `expr:"serviceEntries"`
	PeerAuthentications []*PeerAuth       `expr:"peerAuthentications"`
	NetworkPolicies     []*NetworkPolicy  `expr:"networkPolicies"`
	Components          []*Component      `expr:"components"`
	Networks            []*Network        `expr:"networks"`
	Certificates        []*Certificate    `expr:"certificates"`
	LocalIdentities     []*LocalIdentity  `expr:"localIdentities"`
	Roots               []*Root           `expr:"roots"`
	Flows               []*Flow           `expr:"flows"`
	Series              []*Series         `expr:"series"`
	Logs                []*Log            `expr:"logs"`
	Events              []*Event          `expr:"events"`
	XDS                 []*XDSStream      `expr:"xds"`
	AddressClashes      []*AddressClash   `expr:"addressClashes"`
	WorkloadStates      []*InPod          `expr:"workloadStates"`
	Config              map[string]string `expr:"config"`

	VirtualServices  []*TrafficRule `expr:"virtualServices"`
	DestinationRules []*TrafficRule `expr:"destinationRules"`
	// Routes are those of the Gateway API.
	Routes                 []*TrafficRule      `expr:"routes"`
	RequestAuthentications []*TargetablePolicy `expr:"requestAuthentications"`
	WasmPlugins            []*TargetablePolicy `expr:"wasmPlugins"`
	Telemetries            []*TargetablePolicy `expr:"telemetries"`
	Envoys                 []*Envoy            `expr:"envoys"`

	// PodChanges are the pods that were created or deleted while the collection ran.
	PodChanges []PodChange `expr:"-"`
	// Touches are the changes of objects that their managedFields tell of.
	Touches []Touch `expr:"-"`
	// Observations are what ztunnels saw of connections; Join makes Flows of them.
	Observations []*Observation `expr:"-"`

	changes   changes
	inputs    map[string][]Gap
	rootFacts map[string]RootFact // by fingerprint
	index     index
}

// AddRoot keeps what a trust root's certificate says of itself.
func (m *Mesh) AddRoot(fingerprint string, fact RootFact) {
	if m.rootFacts == nil {
		m.rootFacts = map[string]RootFact{}
	}
	m.rootFacts[fingerprint] = fact
}

// SetGaps says of a mesh-wide input what is missing of it; no gaps means that it is whole.
func (m *Mesh) SetGaps(input string, gaps ...Gap) {
	if m.inputs == nil {
		m.inputs = map[string][]Gap{}
	}
	m.inputs[input] = gaps
}

// Gaps are what is missing of an input over the whole mesh. An input that
// nothing was said of counts as missing.
func (m *Mesh) Gaps(input string) []Gap {
	gaps, known := m.inputs[input]
	if !known {
		return []Gap{{Subject: "the bundle", Reason: "holds no " + input}}
	}
	return gaps
}

func (m *Mesh) Subject() Subject        { return Subject{Kind: "mesh", Name: m.Cluster} }
func (m *Mesh) Refs() []string          { return []string{m.Subject().Key()} }
func (m *Mesh) Evidence() []Evidence    { return nil }
func (m *Mesh) Gap(string) (*Gap, bool) { return nil, false }
func (m *Mesh) Age(t time.Time) (seconds float64) {
	if t.IsZero() {
		return 0
	}
	return m.Captured.Sub(t).Seconds()
}
