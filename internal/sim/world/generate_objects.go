package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
)

// AddTo makes the mesh a cluster.
func (m *Mesh) AddTo(w *World) error {
	if err := m.FinishLogs(); err != nil {
		return err
	}
	created := m.Started.Truncate(time.Second)
	var all []Stored
	all = append(all, m.namespaceObjects(created)...)
	all = append(all, m.agentObjects(w, created)...)
	all = append(all, m.istiodObjects(w, created)...)
	all = append(all, m.appObjects(w, created)...)
	all = append(all, m.MeshObjects(created)...)
	all = append(all, m.Extra...)
	for _, change := range m.Amend {
		for _, o := range all {
			change(o)
		}
	}
	all, err := m.leaveOut(all)
	if err != nil {
		return err
	}
	if m.without == withoutIstio {
		w.Objects.RemoveResources(func(r kubeapi.Resource) bool { return strings.HasSuffix(r.Group, ".istio.io") })
	}
	if m.WithoutGatewayAPI {
		all = slices.DeleteFunc(all, func(o Stored) bool { return strings.HasPrefix(o.Resource, "gateway") })
		w.Objects.RemoveResources(func(r kubeapi.Resource) bool { return r.Group == "gateway.networking.k8s.io" })
	}
	if err := m.manage(all, created); err != nil {
		return err
	}
	for _, o := range all {
		if err := o.AddTo(w.Objects); err != nil {
			return err
		}
	}
	return AddCustomResourceDefinitions(w.Objects, created)
}

// FinishLogs puts the start-up before what has happened since.
func (m *Mesh) FinishLogs() error {
	if m.finished {
		return nil
	}
	m.finished = true
	for _, n := range m.Nodes {
		if n.Ztunnel == nil {
			continue
		}
		at := m.Started
		if !n.Ztunnel.Began.IsZero() {
			at = n.Ztunnel.Began
		}
		if n.Ztunnel.Crashed != nil {
			at = n.Ztunnel.Crashed.At.Add(2 * time.Second)
		}
		start, err := n.Ztunnel.startUp(at)
		if err != nil {
			return err
		}
		lines := append(start, n.Ztunnel.Lines...)
		sortLines(lines)
		n.Ztunnel.Lines = m.kept(lines)
		if c := n.Ztunnel.Crashed; c != nil {
			n.Ztunnel.splitAt(c)
		}
	}
	return nil
}

// kept is what level and rotation leave of a ztunnel's log.
func (m *Mesh) kept(lines []LogLine) []LogLine {
	if m.LogLevel == "warn" {
		lines = quiet(lines)
	}
	for len(lines) > 0 && lines[0].At.Before(m.LogFrom) {
		lines = lines[1:]
	}
	return lines
}

// splitAt gives the crashed instance what was logged before it ended.
func (z *Ztunnel) splitAt(c *Crash) {
	start, err := z.startUp(z.mesh.Started)
	if err != nil {
		return
	}
	c.lines = start
	var later []LogLine
	for _, l := range z.Lines {
		if l.At.Before(c.At) {
			c.lines = append(c.lines, l)
		} else {
			later = append(later, l)
		}
	}
	z.Lines = later
}

func (m *Mesh) namespaceObjects(created time.Time) []Stored {
	ambient := map[string]bool{"default": false, "kube-system": false, SystemNamespace: false}
	for _, p := range m.Pods {
		ambient[p.Namespace] = ambient[p.Namespace] || p.Mesh && !p.Native
	}
	var out []Stored
	for _, name := range SortedKeys(ambient) {
		out = append(out, Stored{"namespaces", NamespaceObject(name, ambient[name], created)},
			Stored{"configmaps", m.rootConfigMap(name, created)})
	}
	return out
}

// RootConfigMapName is the ConfigMap that istiod writes the mesh's root into, in every namespace.
const RootConfigMapName = istio.RootCertConfigMap

func (m *Mesh) rootConfigMap(namespace string, created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: RootConfigMapName, CreationTimestamp: metav1.NewTime(created),
			Labels: map[string]string{"istio.io/config": "true"},
		},
		Data: map[string]string{"root-cert.pem": m.CA.rootPEM()},
	}
}

func (m *Mesh) agentObjects(w *World, created time.Time) []Stored {
	var out []Stored
	var ztunnels, cnis [2]int32
	for _, n := range m.Nodes {
		out = append(out, Stored{"nodes", n.Object()})
		ztunnels[0]++
		cnis[0]++
		if z := n.Ztunnel; z != nil {
			if !z.ready() {
				z.Pod.Ready = false
			}
			if z.Pod.Ready {
				ztunnels[1]++
			}
			out = append(out, Stored{"pods", z.Pod.PodModel.Object()})
			w.Pods[PodKey(z.Pod.Namespace, z.Pod.Name)] = z.Pod.Backend(z.Log, z.ports())
		}
		if n.CNI != nil {
			if n.CNI.Pod.Ready {
				cnis[1]++
			}
			connected := 0
			if n.Ztunnel != nil && !n.CNI.Disconnected {
				connected = 1
			}
			if n.CNI.Uncounted {
				connected = -1
			}
			out = append(out, Stored{"pods", n.CNI.Pod.Object()})
			w.Pods[PodKey(n.CNI.Pod.Namespace, n.CNI.Pod.Name)] = CNIBackend(n.CNI.Pod,
				cniState{ready: !n.CNI.Broken, connected: connected, log: JoinLines(n.CNI.Lines).Text, previous: n.CNI.Before})
		}
	}
	return append(out,
		Stored{"daemonsets", ZtunnelDaemonSet(m.Version, created, ztunnels[0], ztunnels[1]).Object()},
		Stored{"daemonsets", CNIDaemonSet(m.Version, created, cnis[0], cnis[1]).Object()},
		Stored{"serviceaccounts", ServiceAccount(SystemNamespace, "ztunnel", created)},
		Stored{"serviceaccounts", ServiceAccount(SystemNamespace, "istio-cni", created)},
		Stored{"serviceaccounts", ServiceAccount(SystemNamespace, "istiod", created)},
		Stored{"configmaps", CNIConfigMap(m.Version, created)})
}

func (m *Mesh) appObjects(w *World, created time.Time) []Stored {
	var out []Stored
	var models, all []PodModel
	for _, p := range m.Pods {
		if p.Podless || p.Leaving {
			continue
		}
		all = append(all, p.PodModel)
		if p.System {
			continue
		}
		models = append(models, p.PodModel)
		out = append(out, Stored{"pods", p.PodModel.Object()})
		backend := AppBackend(p.PodModel)
		if p.Native && p.Ready {
			backend.Ports = envoyPorts(m.Sends(p))
		}
		w.Pods[PodKey(p.Namespace, p.Name)] = backend
	}
	out = append(out, OwnerObjects(models, created)...)
	byApp := map[string][]PodModel{}
	for _, p := range all {
		key := PodKey(p.Namespace, p.Labels["app"])
		byApp[key] = append(byApp[key], p)
	}
	for _, s := range m.Services {
		if s.Host != "" {
			continue
		}
		out = append(out, Stored{"services", s.Object()})
		out = append(out, s.Slices(byApp[PodKey(s.Namespace, s.Selector["app"])])...)
	}
	return out
}

// MeshObjects are the mesh's configuration.
func (m *Mesh) MeshObjects(created time.Time) []Stored {
	var out []Stored
	for _, p := range m.Policies {
		if !p.Converted {
			out = append(out, Stored{"authorizationpolicies", p.object(created)})
		}
	}
	for _, p := range m.Netpols {
		out = append(out, Stored{"networkpolicies", appPortOnly(p, created)})
	}
	for _, class := range []string{"istio", istio.RemoteClass, istio.WaypointClass} {
		if m.NoClass && class == istio.WaypointClass {
			continue
		}
		controller := istio.GatewayController
		if class == istio.WaypointClass {
			controller = istio.MeshController
		}
		out = append(out, Stored{"gatewayclasses", CustomObject("", class, created, map[string]any{"controllerName": controller})})
	}
	if m.Waypoint != nil {
		out = append(out, Stored{"gateways", m.Waypoint.gateway(created)})
	}
	return out
}

func (p *Policy) object(created time.Time) *unstructured.Unstructured {
	match := PolicyMatch{}
	for _, principal := range p.Principals {
		match.Principals = append(match.Principals, stringMatch{"Exact": principal})
	}
	rules := [][][]PolicyMatch{{{match}}}
	if p.Empty {
		rules = nil
	}
	written := RecordedPolicy{Namespace: p.Namespace, Name: p.Name, Action: Choose(p.Deny, "Deny", "Allow"), App: p.App}
	object := written.AuthorizationPolicy(rules, created)
	if p.Trial {
		object.SetAnnotations(map[string]string{istio.DryRunAnnotation: "true"})
	}
	return object
}

func (wp *Waypoint) gateway(created time.Time) *unstructured.Unstructured {
	gw := CustomObject(wp.Namespace, wp.Name, created, map[string]any{
		"gatewayClassName": istio.WaypointClass,
		"listeners":        []any{map[string]any{"name": "mesh", "port": int64(istio.HBONEPort), "protocol": "HBONE"}},
	})
	gw.SetLabels(map[string]string{istio.WaypointForLabel: "service"})
	gw.Object["status"] = GatewayStatus("Hostname", wp.Service.Hostname(), created)
	return gw
}

// GatewayStatus is that of a Gateway that serves at an address.
func GatewayStatus(kind, address string, since time.Time) map[string]any {
	at := since.UTC().Format(time.RFC3339)
	return map[string]any{
		"addresses": []any{map[string]any{"type": kind, "value": address}},
		"conditions": []any{
			map[string]any{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "Resource accepted", "lastTransitionTime": at},
			map[string]any{"type": "Programmed", "status": "True", "reason": "Programmed", "message": "Resource programmed", "lastTransitionTime": at},
		},
	}
}

// AppPortPolicy is the name of the NetworkPolicy that appPortOnly gives p.
func AppPortPolicy(p *Pod) string { return p.App + "-app-port" }

// appPortOnly is the NetworkPolicy of someone who thought of the application's port alone.
func appPortOnly(p *Pod, created time.Time) *networkingv1.NetworkPolicy {
	number, tcp := intstr.FromInt32(p.Port), corev1.ProtocolTCP
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: AppPortPolicy(p), CreationTimestamp: metav1.NewTime(created)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": p.App}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &number}},
			}},
		},
	}
}

// istiodReplicas is how many istiods a mesh has.
const istiodReplicas = 2

func (m *Mesh) addIstiods() {
	const hash = "7c8d9f6b54"
	service := m.AddService(SystemNamespace, "istiod", "istiod", 15012, 15012)
	for i := range istiodReplicas {
		n := m.Nodes[i%len(m.Nodes)]
		labels := Merged(chartLabels("istiod", m.Version), map[string]string{
			"app": "istiod", "istio": "pilot", istio.RevisionLabel: "default", istio.DataplaneModeLabel: "none",
			istio.InjectAnnotation: "false", "operator.istio.io/component": "Pilot", "pod-template-hash": hash,
		})
		p := m.systemPod(n, "istiod-"+hash+"-"+NameSuffix("istiod", i), "istiod", fmt.Sprintf("10.126.0.%d", i+2), IstiodContainer(m.Version), labels, "istiod")
		p.Owner = OwnerReference("apps/v1", "ReplicaSet", "replicasets", SystemNamespace, "istiod-"+hash)
		m.Join(service, p)
		m.Istiods = append(m.Istiods, &Istiod{mesh: m, Pod: p, Version: m.Version, Unacked: map[*Ztunnel]bool{}})
	}
	for i, n := range m.Nodes {
		replica := m.Istiods[i%istiodReplicas]
		replica.Proxies = append(replica.Proxies, n.Ztunnel)
	}
}

// IstiodContainer follows manifests/charts/istio-control/istio-discovery/templates/deployment.yaml.
func IstiodContainer(version string) ContainerModel {
	return ContainerModel{
		Name: istio.DiscoveryContainer, Image: ImageHub + "pilot:" + version + "-distroless",
		Env: []corev1.EnvVar{
			{Name: "REVISION", Value: "default"},
			{Name: "PILOT_CERT_PROVIDER", Value: "istiod"},
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			fieldEnv("SERVICE_ACCOUNT", "spec.serviceAccountName"),
			{Name: "PILOT_ENABLE_AMBIENT", Value: "true"},
			{Name: "CA_TRUSTED_NODE_ACCOUNTS", Value: "istio-system/ztunnel"},
			{Name: "CLUSTER_ID", Value: ClusterID},
		},
		Ports: []corev1.ContainerPort{
			{Name: "http-debug", ContainerPort: 8080}, {Name: "grpc-xds", ContainerPort: 15010},
			{Name: "tls-xds", ContainerPort: 15012}, {Name: "http-monitoring", ContainerPort: 15014},
		},
		Probe: HTTPProbe("/ready", 8080),
	}
}

func (m *Mesh) istiodObjects(w *World, created time.Time) []Stored {
	if m.IstiodAway {
		return []Stored{{"configmaps", m.configMap(created)}}
	}
	var out []Stored
	var models []PodModel
	for _, i := range m.Istiods {
		models = append(models, i.Pod.PodModel)
		out = append(out, Stored{"pods", i.Pod.PodModel.Object()})
		w.Pods[PodKey(SystemNamespace, i.Pod.Name)] = i.Pod.Backend(i.Log, i.ports())
	}
	set, name := ReplicaSetName(models[0].Name), "istiod"
	out = append(out, Stored{"replicasets", replicaSet(PodKey(SystemNamespace, set), models, created)})
	d := Deployment(PodKey(SystemNamespace, name), models, created)
	d.Labels = Merged(chartLabels(name, m.Istiods[0].Version), map[string]string{"app": "istiod", "istio": "pilot", istio.RevisionLabel: "default"})
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: models[0].Container.Name, Image: models[0].Container.Image, Env: models[0].Container.Env, Ports: models[0].Container.Ports,
	}}
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
	return append(out, Stored{"deployments", d}, Stored{"configmaps", m.configMap(created)})
}

func (m *Mesh) configMap(created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: SystemNamespace, Name: "istio", CreationTimestamp: metav1.NewTime(created),
			Labels: map[string]string{istio.RevisionLabel: "default"},
		},
		Data: map[string]string{"mesh": strings.Join([]string{
			"accessLogFile: /dev/stdout", "defaultConfig:", "  discoveryAddress: istiod.istio-system.svc:15012",
			"  proxyMetadata:", "    ISTIO_META_ENABLE_HBONE: \"true\"", "rootNamespace: istio-system", "trustDomain: " + m.TrustDomain, "",
		}, "\n")},
	}
}
