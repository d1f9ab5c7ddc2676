package sim

import "k8s.io/apimachinery/pkg/runtime/schema"

// apiResource is one kind of object that the API server knows.
type apiResource struct {
	schema.GroupVersionResource
	kind         string
	singular     string
	clusterWide  bool
	optional     bool // known only where there are objects of it
	custom       bool // served by a CustomResourceDefinition
	all          bool // in kubectl's category "all"
	shortNames   []string
	subresources []subresource
	// fields are the field selectors that the API server knows beyond metadata.name and
	// metadata.namespace.
	fields []string
}

type subresource struct {
	name  string
	kind  string
	verbs []string
}

func (r apiResource) apiVersion() string { return r.GroupVersion().String() }

// resources is the catalogue, in the order in which discovery lists it.
func resources() []apiResource {
	core := func(plural, kind, singular string, more ...func(*apiResource)) apiResource {
		return newResource("", "v1", plural, kind, singular, more...)
	}
	return []apiResource{
		core("configmaps", "ConfigMap", "configmap", short("cm")),
		core("events", "Event", "event", short("ev"), selectable("involvedObject.kind", "involvedObject.namespace",
			"involvedObject.name", "involvedObject.uid", "reason", "type")),
		core("namespaces", "Namespace", "namespace", clusterWide, short("ns"), selectable("status.phase")),
		core("nodes", "Node", "node", clusterWide, short("no"), selectable("spec.unschedulable")),
		core("pods", "Pod", "pod", inAll, short("po"),
			selectable("spec.nodeName", "spec.serviceAccountName", "status.phase", "status.podIP"),
			sub("log", "Pod", "get"), sub("portforward", "PodPortForwardOptions", "create", "get"),
			sub("proxy", "PodProxyOptions", "create", "delete", "get", "patch", "update")),
		core("secrets", "Secret", "secret"),
		core("serviceaccounts", "ServiceAccount", "serviceaccount", short("sa")),
		core("services", "Service", "service", inAll, short("svc"), selectable("spec.clusterIP", "spec.type")),
		newResource("apps", "v1", "daemonsets", "DaemonSet", "daemonset", inAll, short("ds")),
		newResource("apps", "v1", "deployments", "Deployment", "deployment", inAll, short("deploy")),
		newResource("apps", "v1", "replicasets", "ReplicaSet", "replicaset", inAll, short("rs")),
		newResource("apps", "v1", "statefulsets", "StatefulSet", "statefulset", inAll, short("sts")),
		newResource("batch", "v1", "jobs", "Job", "job", inAll),
		newResource("batch", "v1", "cronjobs", "CronJob", "cronjob", inAll, short("cj")),
		newResource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslice"),
		newResource("networking.k8s.io", "v1", "ingresses", "Ingress", "ingress", short("ing")),
		newResource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "networkpolicy", short("netpol")),
		newResource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
			"MutatingWebhookConfiguration", "mutatingwebhookconfiguration", clusterWide),
		newResource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
			"ValidatingWebhookConfiguration", "validatingwebhookconfiguration", clusterWide),
		newResource("apiextensions.k8s.io", "v1", "customresourcedefinitions",
			"CustomResourceDefinition", "customresourcedefinition", clusterWide, short("crd", "crds")),
		newResource("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", "gatewayclass", clusterWide, custom),
		newResource("gateway.networking.k8s.io", "v1", "gateways", "Gateway", "gateway", custom),
		newResource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", "httproute", custom),
		newResource("networking.istio.io", "v1", "destinationrules", "DestinationRule", "destinationrule", custom, short("dr")),
		newResource("networking.istio.io", "v1", "serviceentries", "ServiceEntry", "serviceentry", custom, short("se")),
		newResource("networking.istio.io", "v1", "virtualservices", "VirtualService", "virtualservice", custom, short("vs")),
		newResource("networking.istio.io", "v1", "workloadentries", "WorkloadEntry", "workloadentry", custom, short("we")),
		newResource("security.istio.io", "v1", "authorizationpolicies", "AuthorizationPolicy", "authorizationpolicy", custom, short("ap")),
		newResource("security.istio.io", "v1", "peerauthentications", "PeerAuthentication", "peerauthentication", custom, short("pa")),
		newResource("security.istio.io", "v1", "requestauthentications", "RequestAuthentication", "requestauthentication", custom, short("ra")),
		newResource("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", "ciliumnetworkpolicy", custom, optional, short("cnp")),
		newResource("crd.projectcalico.org", "v1", "felixconfigurations", "FelixConfiguration", "felixconfiguration", clusterWide, custom, optional),
		newResource("extensions.istio.io", "v1alpha1", "wasmplugins", "WasmPlugin", "wasmplugin", custom),
		newResource("telemetry.istio.io", "v1", "telemetries", "Telemetry", "telemetry", custom),
	}
}

func newResource(group, version, plural, kind, singular string, more ...func(*apiResource)) apiResource {
	r := apiResource{
		GroupVersionResource: schema.GroupVersionResource{Group: group, Version: version, Resource: plural},
		kind:                 kind,
		singular:             singular,
	}
	for _, apply := range more {
		apply(&r)
	}
	return r
}

func clusterWide(r *apiResource) { r.clusterWide = true }

func custom(r *apiResource) { r.custom = true }

func inAll(r *apiResource) { r.all = true }

func optional(r *apiResource) { r.optional = true }

func short(names ...string) func(*apiResource) {
	return func(r *apiResource) { r.shortNames = names }
}

func selectable(fields ...string) func(*apiResource) {
	return func(r *apiResource) { r.fields = fields }
}

// categories are the words that kubectl asks for several resources by.
func (r apiResource) categories() []string {
	if r.all {
		return []string{"all"}
	}
	return nil
}

func sub(name, kind string, verbs ...string) func(*apiResource) {
	return func(r *apiResource) { r.subresources = append(r.subresources, subresource{name, kind, verbs}) }
}
