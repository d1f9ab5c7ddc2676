package load

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/istio"
)

// objectReader reads the objects of Kubernetes.
type objectReader struct {
	*reading
	gateways *gatewayReader
	pods     map[string]podFacts // of the mesh's own, "<ns>/<pod>"
	slices   []endpointSlice
	// rootCerts are the fingerprints in each namespace's istio-ca-root-cert.
	rootCerts map[string][]string
	// alike are the labels and annotations of pods that have the same, by their text.
	alike map[string]map[string]string
}

func (l *objectReader) clusterFile(group, resource string, f bundle.File) error {
	in := objectList{f.Reader, f.Path, func(raw jsontext.Value, at mesh.Evidence) { l.touched(group, resource, raw, at) }}
	switch group + "/" + resource {
	case "core/namespaces":
		return items(in, func(o namespaceObject, at mesh.Evidence) {
			l.mesh.Namespaces = append(l.mesh.Namespaces, &mesh.Namespace{Name: o.Metadata.Name, Labels: o.Metadata.Labels, Source: at})
		})
	case "core/nodes":
		return items(in, l.node)
	case "core/pods":
		return items(in, l.pod)
	case "core/services":
		return items(in, l.service)
	case "core/configmaps":
		return items(in, l.configMap)
	case "core/events", "events.k8s.io/events":
		return items(in, l.event)
	case "discovery.k8s.io/endpointslices":
		return items(in, func(o endpointSlice, _ mesh.Evidence) { l.slices = append(l.slices, o) })
	case "apps/daemonsets":
		return items(in, l.daemonSet)
	case "apps/deployments":
		return items(in, func(o deploymentObject, _ mesh.Evidence) {
			replicas := 1
			if o.Spec.Replicas != nil {
				replicas = *o.Spec.Replicas
			}
			l.gateways.replicas[o.Metadata.Namespace+"/"+o.Metadata.Name] = replicas
		})
	case "networking.k8s.io/networkpolicies":
		return items(in, into(l.mesh, addNetworkPolicy))
	case "cilium.io/ciliumnetworkpolicies":
		return items(in, addCiliumPolicy(l.mesh, "CiliumNetworkPolicy"))
	case "cilium.io/ciliumclusterwidenetworkpolicies":
		return items(in, addCiliumPolicy(l.mesh, "CiliumClusterwideNetworkPolicy"))
	case "crd.projectcalico.org/networkpolicies":
		return items(in, addCalicoPolicy(l.mesh, "CalicoNetworkPolicy"))
	case "crd.projectcalico.org/globalnetworkpolicies":
		return items(in, addCalicoPolicy(l.mesh, "GlobalNetworkPolicy"))
	case "crd.projectcalico.org/felixconfigurations":
		return items(in, l.felix)
	case "apiextensions.k8s.io/customresourcedefinitions":
		return items(in, func(o namespaceObject, _ mesh.Evidence) {
			l.mesh.Definitions = append(l.mesh.Definitions, o.Metadata.Name)
		})
	case "security.istio.io/authorizationpolicies":
		return items(in, into(l.mesh, addPolicy))
	case "security.istio.io/peerauthentications":
		return items(in, into(l.mesh, addPeerAuthentication))
	case "networking.istio.io/serviceentries":
		return items(in, into(l.mesh, addServiceEntry))
	case "networking.istio.io/virtualservices":
		return items(in, into(l.mesh, addVirtualService))
	case "networking.istio.io/destinationrules":
		return items(in, into(l.mesh, addDestinationRule))
	case "security.istio.io/requestauthentications":
		return items(in, addTargetable("RequestAuthentication", &l.mesh.RequestAuthentications))
	case "extensions.istio.io/wasmplugins":
		return items(in, addTargetable("WasmPlugin", &l.mesh.WasmPlugins))
	case "telemetry.istio.io/telemetries":
		return items(in, addTargetable("Telemetry", &l.mesh.Telemetries))
	case "gateway.networking.k8s.io/httproutes":
		return items(in, addRoute(l.mesh, "HTTPRoute"))
	case "gateway.networking.k8s.io/grpcroutes":
		return items(in, addRoute(l.mesh, "GRPCRoute"))
	case "gateway.networking.k8s.io/tcproutes":
		return items(in, addRoute(l.mesh, "TCPRoute"))
	case "gateway.networking.k8s.io/tlsroutes":
		return items(in, addRoute(l.mesh, "TLSRoute"))
	case "gateway.networking.k8s.io/gateways":
		return items(in, l.gateways.gateway)
	case "gateway.networking.k8s.io/gatewayclasses":
		return items(in, func(o gatewayClassObject, _ mesh.Evidence) { l.gateways.classes[o.Metadata.Name] = o })
	case "core/serviceaccounts":
		return items(in, func(o namespaceObject, _ mesh.Evidence) {
			l.mesh.ServiceAccounts[o.Metadata.Namespace+"/"+o.Metadata.Name] = true
		})
	}
	return nil
}

// into adds what a list holds to a mesh.
func into[T any](m *mesh.Mesh, add func(*mesh.Mesh, T, mesh.Evidence)) func(T, mesh.Evidence) {
	return func(o T, at mesh.Evidence) { add(m, o, at) }
}

func (l *objectReader) node(o nodeObject, at mesh.Evidence) {
	n := &mesh.Node{
		Name: o.Metadata.Name, Labels: o.Metadata.Labels, Created: o.Metadata.CreationTimestamp,
		Unschedulable: o.Spec.Unschedulable, BootID: o.Status.NodeInfo.BootID, Platform: platformOf(&o), Source: at,
	}
	n.Ready, n.ReadySince = becameReady(o.Status.Conditions)
	for _, a := range o.Status.Addresses {
		if a.Type == "InternalIP" || a.Type == "ExternalIP" {
			n.Addresses = append(n.Addresses, a.Address)
		}
	}
	for _, t := range o.Spec.Taints {
		n.Taints = append(n.Taints, t.Key+":"+t.Effect)
	}
	n.Virtual = o.Metadata.Labels["type"] == "virtual-kubelet" ||
		o.Metadata.Labels["eks.amazonaws.com/compute-type"] == "fargate" ||
		strings.Contains(o.Status.NodeInfo.KubeletVersion, "fargate") ||
		o.Status.NodeInfo.OperatingSystem == "windows" ||
		o.Metadata.Labels["kubernetes.io/os"] == "windows"
	l.mesh.Nodes = append(l.mesh.Nodes, n)
}

func (l *objectReader) service(o serviceObject, at mesh.Evidence) {
	s := &mesh.Service{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Labels: o.Metadata.Labels, Type: o.Spec.Type,
		Hostname:   o.Metadata.Name + "." + o.Metadata.Namespace + ".svc.cluster.local",
		ClusterIPs: o.Spec.ClusterIPs, InKubernetes: true, HasSelector: len(o.Spec.Selector) > 0, Selector: o.Spec.Selector,
		PublishNotReady: o.Spec.PublishNotReadyAddresses, Conditions: conditions(o.Status.Conditions), Created: o.Metadata.CreationTimestamp, Source: at,
	}
	if len(s.ClusterIPs) == 0 && o.Spec.ClusterIP != "" {
		s.ClusterIPs = []string{o.Spec.ClusterIP}
	}
	l.mesh.Services = append(l.mesh.Services, s)
}

func (l *objectReader) event(o eventObject, at mesh.Evidence) {
	last := o.LastTimestamp
	if last.IsZero() {
		last = o.EventTime
	}
	if last.IsZero() {
		last = o.Metadata.CreationTimestamp
	}
	l.mesh.Events = append(l.mesh.Events, &mesh.Event{
		Namespace: o.InvolvedObject.Namespace, Kind: o.InvolvedObject.Kind, Name: o.InvolvedObject.Name,
		Reason: o.Reason, Type: o.Type, Message: o.Message, Count: o.Count, Last: last, Source: at,
	})
}

func (l *objectReader) daemonSet(o daemonSetObject, at mesh.Evidence) {
	kind, _ := component(o.Spec.Template.Metadata.Labels, o.Spec.Template.Spec.Containers)
	if kind != istio.Ztunnel && kind != istio.CNI {
		return
	}
	l.mesh.DaemonSets = append(l.mesh.DaemonSets, &mesh.DaemonSet{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Component: kind,
		Desired: o.Status.DesiredNumberScheduled, Current: o.Status.CurrentNumberScheduled, Ready: o.Status.NumberReady,
		Updated: o.Status.UpdatedNumberScheduled, Unavailable: o.Status.NumberUnavailable, Misscheduled: o.Status.NumberMisscheduled,
		Source: at,
	})
}

// configMap keeps what rules read: the settings of the CNI agent and of Cilium, and which roots each namespace trusts.
func (l *objectReader) configMap(o configMapObject, _ mesh.Evidence) {
	switch o.Metadata.Name {
	case istio.CNIConfigMap:
		for k, v := range o.Data {
			l.mesh.Config[k] = v
		}
	case "cilium-config":
		for k, v := range o.Data {
			l.mesh.Config["cilium."+k] = v
		}
	case istio.RootCertConfigMap:
		l.rootCerts[o.Metadata.Namespace] = strings.Fields(strings.ReplaceAll(o.Data["root-cert.pem"], "sha256:", ""))
	}
}

// finish adds what takes another resource.
func (l *objectReader) finish() {
	for _, n := range l.mesh.Namespaces {
		n.RootCerts, n.HasRootCerts = l.rootCerts[n.Name]
	}
	l.countEndpoints()
}
