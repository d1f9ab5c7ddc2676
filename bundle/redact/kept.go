package redact

// kept says per resource which top-level members an object keeps besides
// apiVersion, kind and its metadata. A resource that is not listed is not
// kept at all: what is unknown may be a secret.
var kept = map[string][]string{
	"core/nodes":                        {"spec", "status"},
	"core/namespaces":                   {"status"},
	"core/pods":                         {"spec", "status"},
	"core/services":                     {"spec", "status"},
	"core/serviceaccounts":              {"automountServiceAccountToken"},
	"core/configmaps":                   {"data"},
	"core/events":                       {"involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "eventTime", "count", "series", "type", "reportingComponent"},
	"core/resourcequotas":               {"spec", "status"},
	"apps/daemonsets":                   {"spec", "status"},
	"apps/deployments":                  {"spec", "status"},
	"apps/replicasets":                  {"status"},
	"discovery.k8s.io/endpointslices":   {"addressType", "endpoints", "ports"},
	"networking.k8s.io/networkpolicies": {"spec"},
	"admissionregistration.k8s.io/mutatingwebhookconfigurations":   {"webhooks"},
	"admissionregistration.k8s.io/validatingwebhookconfigurations": {"webhooks"},
	"apiextensions.k8s.io/customresourcedefinitions":               {"status"},
	"cilium.io/ciliumnetworkpolicies":                              {"spec", "specs"},
	"cilium.io/ciliumclusterwidenetworkpolicies":                   {"spec", "specs"},
	"crd.projectcalico.org/networkpolicies":                        {"spec"},
	"crd.projectcalico.org/globalnetworkpolicies":                  {"spec"},
	"crd.projectcalico.org/felixconfigurations":                    {"spec"},
	"gateway.networking.k8s.io/gatewayclasses":                     {"spec", "status"},
	"gateway.networking.k8s.io/gateways":                           {"spec", "status"},
	"gateway.networking.k8s.io/httproutes":                         {"spec", "status"},
	"gateway.networking.k8s.io/grpcroutes":                         {"spec", "status"},
	"gateway.networking.k8s.io/tcproutes":                          {"spec", "status"},
	"gateway.networking.k8s.io/tlsroutes":                          {"spec", "status"},
	"gateway.networking.k8s.io/referencegrants":                    {"spec"},
	"networking.istio.io/serviceentries":                           {"spec", "status"},
	"networking.istio.io/workloadentries":                          {"spec", "status"},
	"networking.istio.io/workloadgroups":                           {"spec", "status"},
	"networking.istio.io/destinationrules":                         {"spec", "status"},
	"networking.istio.io/virtualservices":                          {"spec", "status"},
	"networking.istio.io/gateways":                                 {"spec", "status"},
	"networking.istio.io/sidecars":                                 {"spec", "status"},
	"security.istio.io/authorizationpolicies":                      {"spec", "status"},
	"security.istio.io/peerauthentications":                        {"spec", "status"},
	"security.istio.io/requestauthentications":                     {"spec", "status"},
	"telemetry.istio.io/telemetries":                               {"spec", "status"},
	"extensions.istio.io/wasmplugins":                              {"spec", "status"},
}

// attachment is all that is kept of the spec of policies whose other settings may be keys and tokens.
var attachment = []string{"selector", "targetRef", "targetRefs"}

func resourceKey(group, resource string) string {
	if group == "" {
		group = "core"
	}
	return group + "/" + resource
}

// annotations that are kept: those of the mesh and of the platforms that rules look at.
var annotationPrefixes = []string{
	"ambient.istio.io/", "istio.io/", "sidecar.istio.io/status", "networking.istio.io/", "gateway.istio.io/", "topology.istio.io/", "traffic.sidecar.istio.io/",
	"vpc.amazonaws.com/pod-eni", "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt",
}

// podSettings and containerSettings are what is kept of a pod's spec and of a container's.
var (
	podSettings = []string{
		"automountServiceAccountToken", "containers", "dnsPolicy", "enableServiceLinks", "ephemeralContainers", "hostIPC", "hostNetwork", "hostPID",
		"hostUsers", "hostname", "initContainers", "nodeName", "nodeSelector", "os", "preemptionPolicy", "priority", "priorityClassName", "readinessGates",
		"restartPolicy", "runtimeClassName", "schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "subdomain",
		"terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
	}
	containerSettings = []string{
		"args", "command", "env", "image", "imagePullPolicy", "livenessProbe", "name", "ports", "readinessProbe", "resources", "restartPolicy",
		"securityContext", "startupProbe",
	}
	workloadSettings = []string{
		"minReadySeconds", "paused", "progressDeadlineSeconds", "replicas", "revisionHistoryLimit", "selector", "strategy", "template", "updateStrategy",
	}
)

// meshContainers are those whose arguments tell how the mesh is run.
var meshContainers = []string{"istio-proxy", "discovery", "install-cni"}
