package collect

import (
	"slices"
	"time"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/istio"
)

// form is how a task is asked and what is done with its answer.
type form int

const (
	asIs      form = iota // stored as it came
	asDump                // a config dump, split into its sections
	asReady               // status line, empty line, body
	asLists               // JSON lists in random order, sorted, and stored once for all that say the same
	asMesh                // the mesh's configuration, without what may be a secret in it
	podLog                // the container's log, by the API server
	podLogOld             // the log of the container before its restart
	perProxy              // one request for each ztunnel that the istiod serves
	asList                // objects listed page by page, redacted one by one
	asNamed               // objects fetched by name, in the namespaces that may hold them
	asNames               // the names of all objects: which came and went since they were listed
	asUse                 // memory in use, by which dumps are guarded; not kept
)

// task is one kind of request. The table of them is all that zbundle asks:
// collect, plan, rbac and docs/safety.md are made from it.
type task struct {
	id   string
	kind string // of its targets: kindCluster, or of pods
	form form

	// What is asked of pods.
	port int
	path string // GET only
	// onPodAddress is true where the port listens on the pod's address, so
	// that the API server's pod proxy reaches it where port-forward can't.
	onPodAddress bool
	file         string // in the target's folder

	// What is asked of the API server.
	resource

	limit   int64         // bytes of an answer; of all pages of a list
	timeout time.Duration // 0 for the usual one

	// again is true of the second look at what was asked before.
	again bool
}

// resource is one kind of object.
type resource struct {
	group      string // "" for core
	name       string
	namespaced bool
	versions   []string // in order of preference
	// names, where set, are fetched one by one instead of a list: a right to
	// list ConfigMaps is a right to read all of them.
	names []string
}

const (
	kb = 1 << 10
	mb = 1 << 20
)

// tasks is the table: the objects around the mesh first, then what each kind
// of pod is asked, in that order: what changes by the second first, long logs last.
// Second looks come after all else.
var tasks = slices.Concat(objectTasks, podTasks, secondLooks(podTasks))

var podTasks = []task{
	ask(layout.ZtunnelReady, task{port: istio.ReadinessPort, path: "/healthz/ready", onPodAddress: true, form: asReady, limit: 64 * kb}),
	ask(layout.ZtunnelConfigDump, task{port: istio.ZtunnelAdminPort, path: "/config_dump", form: asDump, limit: 1024 * mb, timeout: 2 * time.Minute}),
	ask(layout.ZtunnelMetrics, task{port: istio.StatsPort, path: "/metrics", onPodAddress: true, limit: 64 * mb}),
	ask(layout.ZtunnelLog, task{form: podLog, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.ZtunnelPreviousLog, task{form: podLogOld, limit: 64 * mb, timeout: 2 * time.Minute}),

	ask(layout.IstiodSyncz, task{port: istio.IstiodMonitoringPort, path: "/debug/syncz", limit: 256 * mb}),
	ask(layout.IstiodConnections, task{port: istio.IstiodMonitoringPort, path: "/debug/connections", limit: 64 * mb}),
	ask(layout.IstiodAmbientz, task{port: istio.IstiodMonitoringPort, path: "/debug/ambientz", form: asLists, limit: 1024 * mb, timeout: 2 * time.Minute}),
	ask(layout.IstiodMesh, task{port: istio.IstiodMonitoringPort, path: "/debug/mesh", form: asMesh, limit: 16 * mb}),
	ask(layout.IstiodNetworkz, task{port: istio.IstiodMonitoringPort, path: "/debug/networkz", limit: 16 * mb}),
	ask(layout.IstiodClusterz, task{port: istio.IstiodMonitoringPort, path: "/debug/clusterz", limit: 16 * mb}),
	ask(layout.IstiodVersion, task{port: istio.IstiodMonitoringPort, path: "/version", onPodAddress: true, limit: 64 * kb}),
	ask(layout.IstiodMetrics, task{port: istio.IstiodMonitoringPort, path: "/metrics", onPodAddress: true, limit: 256 * mb}),
	ask(layout.IstiodConfigDump, task{port: istio.IstiodMonitoringPort, path: "/debug/config_dump?proxyID={proxy}", form: perProxy, limit: 1024 * mb, timeout: time.Minute}),
	ask(layout.IstiodConfigDumpWADS, task{port: istio.IstiodMonitoringPort, path: "/debug/config_dump?proxyID={proxy}&types=wads", form: perProxy, limit: 256 * mb, timeout: time.Minute}),
	ask(layout.IstiodLog, task{form: podLog, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.IstiodPreviousLog, task{form: podLogOld, limit: 64 * mb, timeout: 2 * time.Minute}),

	ask(layout.CNIReady, task{port: istio.CNIReadinessPort, path: "/readyz", onPodAddress: true, form: asReady, limit: 64 * kb}),
	ask(layout.CNIMetrics, task{port: istio.CNIMonitoringPort, path: "/metrics", onPodAddress: true, limit: 64 * mb}),
	ask(layout.CNILog, task{form: podLog, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.CNIPreviousLog, task{form: podLogOld, limit: 64 * mb, timeout: 2 * time.Minute}),

	ask(layout.WaypointMetrics, task{port: istio.StatsPort, path: "/stats/prometheus", onPodAddress: true, limit: 256 * mb}),
	ask(layout.WaypointLog, task{form: podLog, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.WaypointPreviousLog, task{form: podLogOld, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.GatewayMetrics, task{port: istio.StatsPort, path: "/stats/prometheus", onPodAddress: true, limit: 256 * mb}),
	ask(layout.GatewayLog, task{form: podLog, limit: 64 * mb, timeout: 2 * time.Minute}),
	ask(layout.GatewayPreviousLog, task{form: podLogOld, limit: 64 * mb, timeout: 2 * time.Minute}),
}

// ask is the task that brings an artifact.
func ask(a layout.Artifact, t task) task {
	t.id, t.kind, t.file = a.Task(), a.Kind, a.File
	return t
}

// tasksOf are what is asked of a target, in this order.
func tasksOf(t target) []task {
	var out []task
	for _, task := range tasks {
		if task.kind == t.kind && (task.form != podLogOld || t.restarted) {
			out = append(out, task)
		}
	}
	return out
}

// listLimit bounds all pages of a list: 100,000 pods are half of it.
const listLimit = 1024 * mb

// list is the task to list a resource; the first version that the cluster
// serves is asked for.
func list(group, name string, namespaced bool, versions ...string) task {
	return task{
		id: layout.ObjectsTask(group, name), kind: kindCluster, form: asList, limit: listLimit,
		resource: resource{group: group, name: name, namespaced: namespaced, versions: versions},
	}
}

// get is the task to fetch objects by their names.
func get(group, name, version string, names ...string) task {
	t := list(group, name, true, version)
	t.form, t.names, t.limit = asNamed, names, 16*mb
	return t
}

// names is the task to list once more the names of what was listed before.
func names(group, name, version string) task {
	t := list(group, name, true, version)
	t.id, t.form, t.again, t.limit = layout.AfterTask(t.id), asNames, true, 256*mb
	return t
}

// use is the task to learn how much memory is in use.
func use(name string, namespaced bool) task {
	t := list("metrics.k8s.io", name, namespaced, "v1beta1")
	t.form = asUse
	return t
}

// The lists by which the parts of the mesh are found, and the nodes that they run on.
const (
	podsTask  = layout.PodsTask
	nodesTask = layout.NodesTask
)

// Where Cilium's configuration is, by which it is told from other networks.
const (
	cniNamespace = "kube-system"
	ciliumConfig = "cilium-config"
)

// surveyed is how many tasks come before all others: the lists of pods and nodes.
const surveyed = 2

// metricsTask is the answer of a ztunnel that counts its proxies and its peers.
var metricsTask = layout.ZtunnelMetrics.Task()

// objectTasks are the objects around the mesh. Secrets are none of them.
var objectTasks = []task{
	list("", "pods", true, "v1"),
	list("", "nodes", false, "v1"),
	use("nodes", false),
	use("pods", true),
	list("", "namespaces", false, "v1"),
	list("", "services", true, "v1"),
	list("", "serviceaccounts", true, "v1"),
	list("", "events", true, "v1"),
	list("", "resourcequotas", true, "v1"),
	get("", "configmaps", "v1", istio.MeshConfigMap, istio.CNIConfigMap, istio.RootCertConfigMap, ciliumConfig),
	list("apps", "daemonsets", true, "v1"),
	list("apps", "deployments", true, "v1"),
	list("apps", "replicasets", true, "v1"),
	list("discovery.k8s.io", "endpointslices", true, "v1"),
	list("networking.k8s.io", "networkpolicies", true, "v1"),
	list("admissionregistration.k8s.io", "mutatingwebhookconfigurations", false, "v1"),
	list("admissionregistration.k8s.io", "validatingwebhookconfigurations", false, "v1"),
	list("apiextensions.k8s.io", "customresourcedefinitions", false, "v1"),
	list("gateway.networking.k8s.io", "gatewayclasses", false, "v1", "v1beta1"),
	list("gateway.networking.k8s.io", "gateways", true, "v1", "v1beta1"),
	list("gateway.networking.k8s.io", "httproutes", true, "v1", "v1beta1"),
	list("gateway.networking.k8s.io", "grpcroutes", true, "v1", "v1alpha2"),
	list("gateway.networking.k8s.io", "tcproutes", true, "v1", "v1alpha2"),
	list("gateway.networking.k8s.io", "tlsroutes", true, "v1", "v1alpha3", "v1alpha2"),
	list("gateway.networking.k8s.io", "referencegrants", true, "v1", "v1beta1"),
	list("networking.istio.io", "serviceentries", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "workloadentries", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "workloadgroups", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "destinationrules", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "virtualservices", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "gateways", true, "v1", "v1beta1", "v1alpha3"),
	list("networking.istio.io", "sidecars", true, "v1", "v1beta1", "v1alpha3"),
	list("security.istio.io", "authorizationpolicies", true, "v1", "v1beta1"),
	list("security.istio.io", "peerauthentications", true, "v1", "v1beta1"),
	list("security.istio.io", "requestauthentications", true, "v1", "v1beta1"),
	list("telemetry.istio.io", "telemetries", true, "v1", "v1alpha1"),
	list("extensions.istio.io", "wasmplugins", true, "v1alpha1"),
	list("cilium.io", "ciliumnetworkpolicies", true, "v2"),
	list("cilium.io", "ciliumclusterwidenetworkpolicies", false, "v2"),
	list("crd.projectcalico.org", "networkpolicies", true, "v1"),
	list("crd.projectcalico.org", "globalnetworkpolicies", false, "v1"),
	list("crd.projectcalico.org", "felixconfigurations", false, "v1"),
	names("", "pods", "v1"),
}
