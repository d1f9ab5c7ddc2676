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
	// before are the joins that add to what this one reads: it is about what was read from the bundle alone.
	before []string
	run    func(*Mesh)
}

// joins are all of them, in the order that they run in.
func joins() []join {
	return []join{
		{name: "index", before: []string{"services"}, run: joinIndex},
		{name: "identity", run: joinIdentity},
		{name: "ages", before: []string{"services", "policies", "xds"}, run: joinAges},
		{name: "namespaces", run: joinNamespaces},
		{name: "reboots", after: []string{"index", "ages"}, run: joinReboots},
		{name: "events", after: []string{"index"}, run: joinEvents},
		{name: "pods", after: []string{"identity", "namespaces", "reboots"}, run: joinPods},
		{name: "agents", after: []string{"pods"}, run: joinAgents},
		{name: "troubles", after: []string{"agents"}, run: joinTroubles},
		{name: "changes", after: []string{"index", "identity"}, before: []string{"workloads"}, run: joinChanges},
		{name: "workloads", after: []string{"agents", "changes"}, run: joinWorkloads},
		{name: "services", after: []string{"workloads"}, run: joinServices},
		{name: "policies", after: []string{"workloads"}, run: joinPolicies},
		{name: "waypoints", after: []string{"services"}, run: joinWaypoints},
		{name: "serviceEntries", after: []string{"services"}, run: joinServiceEntries},
		{name: "peerAuthentications", after: []string{"pods"}, run: joinPeerAuthentications},
		{name: "trafficConfig", after: []string{"waypoints"}, run: joinTrafficConfig},
		{name: "envoys", after: []string{"index"}, run: joinEnvoys},
		{name: "certificates", after: []string{"agents"}, run: joinCertificates},
		{name: "xds", after: []string{"index"}, run: joinXDS},
		{name: "logs", after: []string{"agents"}, run: joinLogs},
		{name: "networkPolicies", after: []string{"pods"}, run: joinNetworkPolicies},
		{name: "components", after: []string{"agents"}, run: joinComponents},
		{name: "networks", after: []string{"workloads"}, run: joinNetworks},
		{name: "flows", after: []string{"services"}, run: joinFlows},
		{name: "series", after: []string{"workloads"}, run: joinSeries},
		{name: "plainSeries", after: []string{"flows", "series"}, run: joinPlainSeries},
		{name: "flowServices", after: []string{"plainSeries"}, run: joinFlowServices},
		{name: "controlAddresses", after: []string{"services", "components"}, run: joinControlAddresses},
		{name: "logPods", after: []string{"logs", "plainSeries", "agents", "components"}, run: joinLogPods},
		{name: "outages", after: []string{"flows", "plainSeries"}, run: joinOutages},
		{name: "knownBugs", after: []string{"events", "certificates", "components", "networks", "plainSeries"}, run: joinKnownBugs},
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
