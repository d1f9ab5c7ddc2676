package collect

import "time"

// Ports of the mesh's processes (istio/ztunnel ARCHITECTURE.md; istiod
// pilot/cmd/pilot-discovery; cni/cmd/install-cni).
const (
	ztunnelAdmin   = 15000
	ztunnelStats   = 15020
	ztunnelReady   = 15021
	istiodMonitor  = 15014
	cniMonitor     = 15014
	cniReady       = 8000
	gatewayMetrics = 15020
)

// form is what is done with an answer.
type form int

const (
	asIs      form = iota // stored as it came
	asDump                // a config dump, split into its sections
	asReady               // status line, empty line, body
	asMesh                // the mesh's configuration, without what may be a secret in it
	podLog                // the container's log, by the API server
	podLogOld             // the log of the container before its restart
	perProxy              // one request for each ztunnel that the istiod serves
)

// podTask is one request to every pod of a kind. The table is all that zbundle
// asks of pods: dry runs and docs/safety.md are made from it.
type podTask struct {
	id   string
	kind string
	port int
	path string // GET only
	// onPodAddress is true where the port listens on the pod's address, so
	// that the API server's pod proxy reaches it where port-forward can't.
	onPodAddress bool
	form         form
	file         string // in the target's folder
	limit        int64  // bytes of an answer
	timeout      time.Duration
}

const (
	kb = 1 << 10
	mb = 1 << 20
)

// podTasks in the order in which each pod is asked: what changes by the
// second first, long logs last.
var podTasks = []podTask{
	{id: "ztunnel/ready", kind: kindZtunnel, port: ztunnelReady, path: "/healthz/ready", onPodAddress: true, form: asReady, file: "ready.txt", limit: 64 * kb},
	{id: "ztunnel/config_dump", kind: kindZtunnel, port: ztunnelAdmin, path: "/config_dump", form: asDump, file: "config_dump", limit: 1024 * mb, timeout: 2 * time.Minute},
	{id: "ztunnel/metrics", kind: kindZtunnel, port: ztunnelStats, path: "/metrics", onPodAddress: true, file: "metrics.txt", limit: 64 * mb},
	{id: "ztunnel/log", kind: kindZtunnel, form: podLog, file: "log.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "ztunnel/log-previous", kind: kindZtunnel, form: podLogOld, file: "log.previous.txt", limit: 64 * mb, timeout: 2 * time.Minute},

	{id: syncTask, kind: kindIstiod, port: istiodMonitor, path: "/debug/syncz", file: "syncz.json", limit: 256 * mb},
	{id: "istiod/connections", kind: kindIstiod, port: istiodMonitor, path: "/debug/connections", file: "connections.json", limit: 64 * mb},
	{id: "istiod/ambientz", kind: kindIstiod, port: istiodMonitor, path: "/debug/ambientz", file: "ambientz.json", limit: 1024 * mb, timeout: 2 * time.Minute},
	{id: "istiod/mesh", kind: kindIstiod, port: istiodMonitor, path: "/debug/mesh", form: asMesh, file: "mesh.json", limit: 16 * mb},
	{id: "istiod/networkz", kind: kindIstiod, port: istiodMonitor, path: "/debug/networkz", file: "networkz.json", limit: 16 * mb},
	{id: "istiod/clusterz", kind: kindIstiod, port: istiodMonitor, path: "/debug/clusterz", file: "clusterz.json", limit: 16 * mb},
	{id: "istiod/version", kind: kindIstiod, port: istiodMonitor, path: "/version", onPodAddress: true, file: "version.json", limit: 64 * kb},
	{id: "istiod/metrics", kind: kindIstiod, port: istiodMonitor, path: "/metrics", onPodAddress: true, file: "metrics.txt", limit: 256 * mb},
	{id: "istiod/config_dump", kind: kindIstiod, port: istiodMonitor, path: "/debug/config_dump?proxyID={proxy}", form: perProxy, file: "xds/{pod}.json", limit: 1024 * mb, timeout: time.Minute},
	{id: "istiod/config_dump-wads", kind: kindIstiod, port: istiodMonitor, path: "/debug/config_dump?proxyID={proxy}&types=wads", form: perProxy, file: "xds/{pod}.wads.json", limit: 256 * mb, timeout: time.Minute},
	{id: "istiod/log", kind: kindIstiod, form: podLog, file: "log.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "istiod/log-previous", kind: kindIstiod, form: podLogOld, file: "log.previous.txt", limit: 64 * mb, timeout: 2 * time.Minute},

	{id: "cni/ready", kind: kindCNI, port: cniReady, path: "/readyz", onPodAddress: true, form: asReady, file: "ready.txt", limit: 64 * kb},
	{id: "cni/metrics", kind: kindCNI, port: cniMonitor, path: "/metrics", onPodAddress: true, file: "metrics.txt", limit: 64 * mb},
	{id: "cni/log", kind: kindCNI, form: podLog, file: "log.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "cni/log-previous", kind: kindCNI, form: podLogOld, file: "log.previous.txt", limit: 64 * mb, timeout: 2 * time.Minute},

	{id: "waypoint/metrics", kind: kindWaypoint, port: gatewayMetrics, path: "/stats/prometheus", onPodAddress: true, file: "metrics.txt", limit: 256 * mb},
	{id: "waypoint/log", kind: kindWaypoint, form: podLog, file: "log.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "waypoint/log-previous", kind: kindWaypoint, form: podLogOld, file: "log.previous.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "gateway/metrics", kind: kindGateway, port: gatewayMetrics, path: "/stats/prometheus", onPodAddress: true, file: "metrics.txt", limit: 256 * mb},
	{id: "gateway/log", kind: kindGateway, form: podLog, file: "log.txt", limit: 64 * mb, timeout: 2 * time.Minute},
	{id: "gateway/log-previous", kind: kindGateway, form: podLogOld, file: "log.previous.txt", limit: 64 * mb, timeout: 2 * time.Minute},
}

// resource is one kind of object to list over all namespaces.
type resource struct {
	group    string // "" for core
	name     string
	versions []string // in order of preference
	// names, where set, are fetched one by one instead of a list: a right to
	// list ConfigMaps is a right to read all of them.
	names []string
}

func (r resource) id() string {
	group := r.group
	if group == "" {
		group = "core"
	}
	return "cluster/" + group + "/" + r.name
}

var v1 = []string{"v1"}

// resources are the objects around the mesh. Secrets are none of them.
var resources = []resource{
	{group: "", name: "pods", versions: v1},
	{group: "", name: "nodes", versions: v1},
	{group: "", name: "namespaces", versions: v1},
	{group: "", name: "services", versions: v1},
	{group: "", name: "serviceaccounts", versions: v1},
	{group: "", name: "events", versions: v1},
	{group: "", name: "resourcequotas", versions: v1},
	{group: "", name: "configmaps", versions: v1, names: []string{"istio", "istio-cni-config", "istio-ca-root-cert", "cilium-config"}},
	{group: "apps", name: "daemonsets", versions: v1},
	{group: "apps", name: "deployments", versions: v1},
	{group: "apps", name: "replicasets", versions: v1},
	{group: "discovery.k8s.io", name: "endpointslices", versions: v1},
	{group: "networking.k8s.io", name: "networkpolicies", versions: v1},
	{group: "admissionregistration.k8s.io", name: "mutatingwebhookconfigurations", versions: v1},
	{group: "admissionregistration.k8s.io", name: "validatingwebhookconfigurations", versions: v1},
	{group: "apiextensions.k8s.io", name: "customresourcedefinitions", versions: v1},
	{group: "gateway.networking.k8s.io", name: "gatewayclasses", versions: []string{"v1", "v1beta1"}},
	{group: "gateway.networking.k8s.io", name: "gateways", versions: []string{"v1", "v1beta1"}},
	{group: "gateway.networking.k8s.io", name: "httproutes", versions: []string{"v1", "v1beta1"}},
	{group: "gateway.networking.k8s.io", name: "grpcroutes", versions: []string{"v1", "v1alpha2"}},
	{group: "gateway.networking.k8s.io", name: "tcproutes", versions: []string{"v1", "v1alpha2"}},
	{group: "gateway.networking.k8s.io", name: "tlsroutes", versions: []string{"v1", "v1alpha3", "v1alpha2"}},
	{group: "gateway.networking.k8s.io", name: "referencegrants", versions: []string{"v1", "v1beta1"}},
	{group: "networking.istio.io", name: "serviceentries", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "workloadentries", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "workloadgroups", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "destinationrules", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "virtualservices", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "gateways", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "networking.istio.io", name: "sidecars", versions: []string{"v1", "v1beta1", "v1alpha3"}},
	{group: "security.istio.io", name: "authorizationpolicies", versions: []string{"v1", "v1beta1"}},
	{group: "security.istio.io", name: "peerauthentications", versions: []string{"v1", "v1beta1"}},
	{group: "security.istio.io", name: "requestauthentications", versions: []string{"v1", "v1beta1"}},
	{group: "telemetry.istio.io", name: "telemetries", versions: []string{"v1", "v1alpha1"}},
	{group: "extensions.istio.io", name: "wasmplugins", versions: []string{"v1alpha1"}},
	{group: "cilium.io", name: "ciliumnetworkpolicies", versions: []string{"v2"}},
	{group: "cilium.io", name: "ciliumclusterwidenetworkpolicies", versions: []string{"v2"}},
	{group: "crd.projectcalico.org", name: "networkpolicies", versions: v1},
	{group: "crd.projectcalico.org", name: "globalnetworkpolicies", versions: v1},
	{group: "crd.projectcalico.org", name: "felixconfigurations", versions: v1},
}
