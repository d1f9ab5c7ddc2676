package mesh

import (
	"cmp"
	"slices"
)

// join derives one kind of facts that take more than one object, or the time of the capture, to know.
type join struct {
	name string
	// after are the joins that write what this one reads; a test holds them to the code.
	after []string
	run   func(*Mesh)
}

// joins are all of them, in the order that they run in.
func joins() []join {
	return []join{
		{"index", nil, indexItems},
		{"identity", nil, joinIdentity},
		{"ages", nil, joinAges},
		{"namespaces", nil, joinNamespaces},
		{"reboots", nil, joinReboots},
		{"events", nil, joinEvents},
		{"pods", nil, joinPods},
		{"agents", nil, joinAgents},
		{"changes", nil, joinChanges},
		{"workloads", nil, joinWorkloads},
		{"services", nil, joinServices},
		{"policies", nil, joinPolicies},
		{"waypoints", nil, joinWaypoints},
		{"serviceEntries", nil, joinServiceEntries},
		{"peerAuthentications", nil, joinPeerAuthentications},
		{"trafficRules", nil, joinTrafficConfig},
		{"envoys", nil, joinEnvoys},
		{"certificates", nil, joinCertificates},
		{"xds", nil, joinXDS},
		{"logs", nil, joinLogs},
		{"networkPolicies", nil, joinNetworkPolicies},
		{"components", nil, joinComponents},
		{"networks", nil, joinNetworks},
		{"flows", nil, joinFlows},
		{"series", nil, joinSeries},
		{"plainSeries", nil, joinPlainSeries},
		{"flowServices", nil, joinFlowServices},
		{"knownBugs", nil, joinKnownBugs},
	}
}

// Join derives everything that takes more than one artifact to know. It is
// called once, when all of a bundle has been read.
func (m *Mesh) Join() {
	sortItems(m)
	for _, j := range joins() {
		j.run(m)
	}
}

// sortItems puts what was read in archive order into an order that does not
// depend on it, so that the same mesh always gives the same report.
func sortItems(m *Mesh) {
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
