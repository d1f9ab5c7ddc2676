package world

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// resources is the catalogue, in the order in which discovery lists it.
func resources() []kubeapi.Resource {
	core := func(plural, kind, singular string, more ...func(*kubeapi.Resource)) kubeapi.Resource {
		return newResource("", "v1", plural, kind, singular, more...)
	}
	return []kubeapi.Resource{
		core("configmaps", "ConfigMap", "configmap", short("cm")),
		core("events", "Event", "event", short("ev"), selectable("involvedObject.kind", "involvedObject.namespace",
			"involvedObject.name", "involvedObject.uid", "reason", "type")),
		core("namespaces", "Namespace", "namespace", clusterScoped, short("ns"), selectable("status.phase")),
		core("nodes", "Node", "node", clusterScoped, short("no"), selectable("spec.unschedulable")),
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
			"MutatingWebhookConfiguration", "mutatingwebhookconfiguration", clusterScoped),
		newResource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
			"ValidatingWebhookConfiguration", "validatingwebhookconfiguration", clusterScoped),
		newResource("apiextensions.k8s.io", "v1", "customresourcedefinitions",
			"CustomResourceDefinition", "customresourcedefinition", clusterScoped, short("crd", "crds")),
		newResource("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", "gatewayclass", clusterScoped, custom),
		newResource("gateway.networking.k8s.io", "v1", "gateways", "Gateway", "gateway", custom),
		newResource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", "httproute", custom),
		newResource("networking.istio.io", "v1", "destinationrules", "DestinationRule", "destinationrule", custom, short("dr")),
		newResource("networking.istio.io", "v1", "serviceentries", "ServiceEntry", "serviceentry", custom, short("se")),
		newResource("networking.istio.io", "v1", "virtualservices", "VirtualService", "virtualservice", custom, short("vs")),
		newResource("networking.istio.io", "v1", "workloadentries", "WorkloadEntry", "workloadentry", custom, short("we")),
		newResource("security.istio.io", "v1", "authorizationpolicies", "AuthorizationPolicy", "authorizationpolicy", custom, short("ap")),
		newResource("security.istio.io", "v1", "peerauthentications", "PeerAuthentication", "peerauthentication", custom, short("pa")),
		newResource("security.istio.io", "v1", "requestauthentications", "RequestAuthentication", "requestauthentication", custom, short("ra")),
		newResource("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", "ciliumnetworkpolicy", custom, short("cnp")),
		newResource("crd.projectcalico.org", "v1", "felixconfigurations", "FelixConfiguration", "felixconfiguration", clusterScoped, custom),
		newResource("extensions.istio.io", "v1alpha1", "wasmplugins", "WasmPlugin", "wasmplugin", custom),
		newResource("telemetry.istio.io", "v1", "telemetries", "Telemetry", "telemetry", custom),
	}
}

// optional is true of a resource that is known only where there are objects of it.
func optional(r kubeapi.Resource) bool {
	return r.Group == "cilium.io" || r.Group == "crd.projectcalico.org"
}

func newResource(group, version, plural, kind, singular string, more ...func(*kubeapi.Resource)) kubeapi.Resource {
	r := kubeapi.Resource{
		GroupVersionResource: schema.GroupVersionResource{Group: group, Version: version, Resource: plural},
		Kind:                 kind, Singular: singular,
	}
	for _, apply := range more {
		apply(&r)
	}
	return r
}

func clusterScoped(r *kubeapi.Resource) { r.ClusterScoped = true }

func custom(r *kubeapi.Resource) { r.Custom = true }

// inAll puts the resource into kubectl's category "all".
func inAll(r *kubeapi.Resource) { r.Categories = []string{"all"} }

func short(names ...string) func(*kubeapi.Resource) {
	return func(r *kubeapi.Resource) { r.ShortNames = names }
}

func selectable(fields ...string) func(*kubeapi.Resource) {
	return func(r *kubeapi.Resource) { r.Fields = fields }
}

func sub(name, kind string, verbs ...string) func(*kubeapi.Resource) {
	return func(r *kubeapi.Resource) {
		r.Subresources = append(r.Subresources, kubeapi.Subresource{Name: name, Kind: kind, Verbs: verbs})
	}
}

// NewStore is an empty store of the resources that a cluster knows.
func NewStore() *kubeapi.Store { return kubeapi.NewStore(resources()) }
