package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/istio"
)

// podFacts are what the loader needs of a pod beyond the model.
type podFacts struct {
	image   string // of the mesh component's own container
	started time.Time
	env     map[string]string
	rev     string
}

func (l *loader) clusterFile(group, resource string, f bundle.File) error {
	switch group + "/" + resource {
	case "core/namespaces":
		return items(f.Reader, f.Path, func(o namespaceObject, at mesh.Evidence) {
			l.mesh.Namespaces = append(l.mesh.Namespaces, &mesh.Namespace{Name: o.Metadata.Name, Labels: o.Metadata.Labels, Source: at})
		})
	case "core/nodes":
		return items(f.Reader, f.Path, l.node)
	case "core/pods":
		return items(f.Reader, f.Path, l.pod)
	case "core/services":
		return items(f.Reader, f.Path, l.service)
	case "core/configmaps":
		return items(f.Reader, f.Path, l.configMap)
	case "core/events", "events.k8s.io/events":
		return items(f.Reader, f.Path, l.event)
	case "discovery.k8s.io/endpointslices":
		return items(f.Reader, f.Path, func(o endpointSlice, _ mesh.Evidence) { l.slices = append(l.slices, o) })
	case "apps/daemonsets":
		return items(f.Reader, f.Path, l.daemonSet)
	case "apps/deployments":
		return items(f.Reader, f.Path, func(o deploymentObject, _ mesh.Evidence) {
			replicas := 1
			if o.Spec.Replicas != nil {
				replicas = *o.Spec.Replicas
			}
			l.replicas[o.Metadata.Namespace+"/"+o.Metadata.Name] = replicas
		})
	case "networking.k8s.io/networkpolicies":
		return items(f.Reader, f.Path, l.networkPolicy)
	case "cilium.io/ciliumnetworkpolicies":
		return items(f.Reader, f.Path, l.ciliumPolicy("CiliumNetworkPolicy"))
	case "cilium.io/ciliumclusterwidenetworkpolicies":
		return items(f.Reader, f.Path, l.ciliumPolicy("CiliumClusterwideNetworkPolicy"))
	case "crd.projectcalico.org/networkpolicies":
		return items(f.Reader, f.Path, l.calicoPolicy("CalicoNetworkPolicy"))
	case "crd.projectcalico.org/globalnetworkpolicies":
		return items(f.Reader, f.Path, l.calicoPolicy("GlobalNetworkPolicy"))
	case "crd.projectcalico.org/felixconfigurations":
		return items(f.Reader, f.Path, l.felix)
	case "apiextensions.k8s.io/customresourcedefinitions":
		return items(f.Reader, f.Path, func(o namespaceObject, _ mesh.Evidence) {
			l.mesh.Definitions = append(l.mesh.Definitions, o.Metadata.Name)
		})
	case "security.istio.io/authorizationpolicies":
		return items(f.Reader, f.Path, l.policy)
	case "security.istio.io/peerauthentications":
		return items(f.Reader, f.Path, l.peerAuth)
	case "networking.istio.io/serviceentries":
		return items(f.Reader, f.Path, l.serviceEntry)
	case "networking.istio.io/virtualservices":
		return items(f.Reader, f.Path, l.virtualService)
	case "networking.istio.io/destinationrules":
		return items(f.Reader, f.Path, l.destinationRule)
	case "security.istio.io/requestauthentications":
		return items(f.Reader, f.Path, l.targetable("RequestAuthentication", &l.mesh.RequestAuthentications))
	case "extensions.istio.io/wasmplugins":
		return items(f.Reader, f.Path, l.targetable("WasmPlugin", &l.mesh.WasmPlugins))
	case "telemetry.istio.io/telemetries":
		return items(f.Reader, f.Path, l.targetable("Telemetry", &l.mesh.Telemetries))
	case "gateway.networking.k8s.io/httproutes":
		return items(f.Reader, f.Path, l.route("HTTPRoute"))
	case "gateway.networking.k8s.io/grpcroutes":
		return items(f.Reader, f.Path, l.route("GRPCRoute"))
	case "gateway.networking.k8s.io/tcproutes":
		return items(f.Reader, f.Path, l.route("TCPRoute"))
	case "gateway.networking.k8s.io/tlsroutes":
		return items(f.Reader, f.Path, l.route("TLSRoute"))
	case "gateway.networking.k8s.io/gateways":
		return items(f.Reader, f.Path, l.gateway)
	case "gateway.networking.k8s.io/gatewayclasses":
		return items(f.Reader, f.Path, func(o gatewayClassObject, _ mesh.Evidence) { l.classes[o.Metadata.Name] = o })
	case "core/serviceaccounts":
		return items(f.Reader, f.Path, func(o namespaceObject, _ mesh.Evidence) {
			l.mesh.ServiceAccounts[o.Metadata.Namespace+"/"+o.Metadata.Name] = true
		})
	}
	return nil
}

func (l *loader) node(o nodeObject, at mesh.Evidence) {
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

func (l *loader) pod(o podObject, at mesh.Evidence) {
	intern := func(s string) string { return unique.Make(s).Value() } // of many pods
	p := &mesh.Pod{
		Namespace: intern(o.Metadata.Namespace), Name: o.Metadata.Name, UID: o.Metadata.UID, NodeName: intern(o.Spec.NodeName),
		ServiceAccount: intern(o.Spec.ServiceAccountName), Labels: l.shared(o.Metadata.Labels), Annotations: l.shared(o.Metadata.Annotations),
		Phase: intern(o.Status.Phase), HostNetwork: o.Spec.HostNetwork, Deleting: !o.Metadata.DeletionTimestamp.IsZero(),
		Created: o.Metadata.CreationTimestamp, Started: o.Status.StartTime, GracePeriodSeconds: -1, Source: at,
	}
	if o.Spec.GracePeriod != nil {
		p.GracePeriodSeconds = *o.Spec.GracePeriod
	}
	for _, ip := range o.Status.PodIPs {
		p.IPs = append(p.IPs, ip.IP)
	}
	if len(p.IPs) == 0 && o.Status.PodIP != "" {
		p.IPs = []string{o.Status.PodIP}
	}
	p.Ready, p.ReadySince = becameReady(o.Status.Conditions)
	for _, r := range o.Metadata.OwnerReferences {
		if r.Controller || len(o.Metadata.OwnerReferences) == 1 {
			p.OwnerKind, p.OwnerName = intern(r.Kind), intern(r.Name)
		}
	}
	_, p.Sidecar = o.Metadata.Annotations[istio.SidecarStatusAnnotation]
	component, own := component(o.Metadata.Labels, o.Spec.Containers)
	p.Component = component
	facts := podFacts{env: map[string]string{}, rev: o.Metadata.Labels[istio.RevisionLabel]}
	for i, c := range o.Spec.Containers {
		p.Containers = append(p.Containers, containerOf(c))
		if c.Name == own {
			facts.image = c.Image
		}
		for _, e := range c.Env {
			facts.env[e.Name] = e.Value
			if e.Value != "" {
				if p.Env == nil {
					p.Env = map[string]string{}
				}
				p.Env[e.Name] = e.Value
			}
		}
		p.ProbePorts = append(p.ProbePorts, probePorts(&o.Spec.Containers[i])...)
		if user := cmp.Or(c.SecurityContext.RunAsUser, o.Spec.SecurityContext.RunAsUser); user != nil {
			p.Containers[i].RunAsUser = *user
		}
	}
	l.platformPod(p)
	for _, s := range o.Status.ContainerStatuses {
		at := slices.IndexFunc(p.Containers, func(c *mesh.Container) bool { return c.Name == s.Name })
		if at < 0 {
			continue
		}
		if s.State.Running != nil && s.State.Running.StartedAt.After(facts.started) {
			facts.started = s.State.Running.StartedAt
		}
		l.containerStatus(p.Containers[at], s)
	}
	if p.Component != "" {
		l.pods[p.Namespace+"/"+p.Name] = facts
	}
	l.mesh.Pods = append(l.mesh.Pods, p)
}

func containerOf(c containerObject) *mesh.Container {
	out := &mesh.Container{Name: unique.Make(c.Name).Value(), Image: unique.Make(c.Image).Value(), MemoryLimit: strings.Trim(string(c.Resources.Limits["memory"]), `"`)}
	for _, port := range c.Ports {
		out.Ports = append(out.Ports, port.ContainerPort)
		if port.Name != "" {
			if out.NamedPorts == nil {
				out.NamedPorts = map[string]int{}
			}
			out.NamedPorts[port.Name] = port.ContainerPort
		}
	}
	return out
}

// containerStatus keeps times; ages follow when the capture's time is known.
func (l *loader) containerStatus(c *mesh.Container, s containerStatus) {
	c.Ready, c.Restarts = s.Ready, s.RestartCount
	if s.State.Running != nil {
		c.StartedAt = s.State.Running.StartedAt
	}
	if s.State.Waiting != nil {
		c.Waiting = s.State.Waiting.Reason
	}
	last := s.LastState.Terminated
	if last == nil {
		last = s.State.Terminated
	}
	if last != nil {
		c.HasLast, c.LastReason, c.LastExitCode, c.LastEndedAt = true, last.Reason, last.ExitCode, last.FinishedAt
	}
}

// shared is one map for all pods that have the same labels, as those of a Deployment do.
func (l *loader) shared(labels map[string]string) map[string]string {
	var key strings.Builder
	for k, v := range byKey(labels) {
		fmt.Fprintf(&key, "%q=%q,", k, v)
	}
	if known := l.alike[key.String()]; known != nil {
		return known
	}
	l.alike[key.String()] = labels
	return labels
}

// component tells which part of the mesh pods of these labels and containers are, and which container is its own.
func component(labels map[string]string, containers []containerObject) (component, container string) {
	known := istio.Pod{Labels: labels, Containers: make([]istio.Container, 0, len(containers))}
	for _, c := range containers {
		known.Containers = append(known.Containers, istio.Container{Name: c.Name, Args: c.Args})
	}
	return known.Component()
}

func (l *loader) service(o serviceObject, at mesh.Evidence) {
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

func (l *loader) event(o eventObject, at mesh.Evidence) {
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

func (l *loader) daemonSet(o daemonSetObject, at mesh.Evidence) {
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
func (l *loader) configMap(o configMapObject, _ mesh.Evidence) {
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

// finishCluster adds what takes another resource.
func (l *loader) finishCluster() {
	for _, n := range l.mesh.Namespaces {
		n.RootCerts, n.HasRootCerts = l.rootCerts[n.Name]
	}
	l.finishGateways()
	l.countEndpoints()
}

func (l *loader) countEndpoints() {
	services := make(map[string]*mesh.Service, len(l.mesh.Services))
	for _, s := range l.mesh.Services {
		services[s.Namespace+"/"+s.Name] = s
	}
	for _, slice := range l.slices {
		s := services[slice.Metadata.Namespace+"/"+slice.Metadata.Labels["kubernetes.io/service-name"]]
		if s == nil {
			continue
		}
		for _, e := range slice.Endpoints {
			if e.TargetRef == nil || e.TargetRef.Kind != "Pod" {
				continue
			}
			s.Endpoints++
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				s.ReadyEndpoints++
			}
		}
	}
	l.slices = nil
}
