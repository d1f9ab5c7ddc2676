package sim

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

// addTo makes the mesh a cluster.
func (m *mesh) addTo(w *world) error {
	if err := m.finishLogs(); err != nil {
		return err
	}
	created := m.started.Truncate(time.Second)
	var all []stored
	all = append(all, m.namespaceObjects(created)...)
	all = append(all, m.agentObjects(w, created)...)
	all = append(all, m.istiodObjects(w, created)...)
	all = append(all, m.appObjects(w, created)...)
	all = append(all, m.meshObjects(created)...)
	all = append(all, m.extra...)
	for _, change := range m.amend {
		for _, o := range all {
			change(o)
		}
	}
	all, err := m.leaveOut(all)
	if err != nil {
		return err
	}
	if m.without == withoutIstio {
		w.objects.RemoveResources(func(r kubeapi.Resource) bool { return strings.HasSuffix(r.Group, ".istio.io") })
	}
	if m.withoutGatewayAPI {
		all = slices.DeleteFunc(all, func(o stored) bool { return strings.HasPrefix(o.resource, "gateway") })
		w.objects.RemoveResources(func(r kubeapi.Resource) bool { return r.Group == "gateway.networking.k8s.io" })
	}
	if err := m.manage(all, created); err != nil {
		return err
	}
	for _, o := range all {
		if err := o.addTo(w.objects); err != nil {
			return err
		}
	}
	return addCustomResourceDefinitions(w.objects, created)
}

// finishLogs puts the start-up before what has happened since.
func (m *mesh) finishLogs() error {
	if m.finished {
		return nil
	}
	m.finished = true
	for _, n := range m.nodes {
		if n.ztunnel == nil {
			continue
		}
		at := m.started
		if !n.ztunnel.began.IsZero() {
			at = n.ztunnel.began
		}
		if n.ztunnel.crashed != nil {
			at = n.ztunnel.crashed.at.Add(2 * time.Second)
		}
		start, err := n.ztunnel.startUp(at)
		if err != nil {
			return err
		}
		lines := append(start, n.ztunnel.lines...)
		sortLines(lines)
		n.ztunnel.lines = m.kept(lines)
		if c := n.ztunnel.crashed; c != nil {
			n.ztunnel.splitAt(c)
		}
	}
	return nil
}

// kept is what level and rotation leave of a ztunnel's log.
func (m *mesh) kept(lines []logLine) []logLine {
	if m.logLevel == "warn" {
		lines = quiet(lines)
	}
	for len(lines) > 0 && lines[0].at.Before(m.logFrom) {
		lines = lines[1:]
	}
	return lines
}

// splitAt gives the crashed instance what was logged before it ended.
func (z *ztunnel) splitAt(c *crash) {
	start, err := z.startUp(z.mesh.started)
	if err != nil {
		return
	}
	c.lines = start
	var later []logLine
	for _, l := range z.lines {
		if l.at.Before(c.at) {
			c.lines = append(c.lines, l)
		} else {
			later = append(later, l)
		}
	}
	z.lines = later
}

func (m *mesh) namespaceObjects(created time.Time) []stored {
	ambient := map[string]bool{"default": false, "kube-system": false, systemNamespace: false}
	for _, p := range m.pods {
		ambient[p.namespace] = ambient[p.namespace] || p.mesh && !p.native
	}
	var out []stored
	for _, name := range sortedKeys(ambient) {
		out = append(out, stored{"namespaces", namespaceObject(name, ambient[name], created)},
			stored{"configmaps", m.rootConfigMap(name, created)})
	}
	return out
}

// rootConfigMapName is the ConfigMap that istiod writes the mesh's root into, in every namespace.
const rootConfigMapName = istio.RootCertConfigMap

func (m *mesh) rootConfigMap(namespace string, created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: rootConfigMapName, CreationTimestamp: metav1.NewTime(created),
			Labels: map[string]string{"istio.io/config": "true"},
		},
		Data: map[string]string{"root-cert.pem": m.ca.rootPEM()},
	}
}

func (m *mesh) agentObjects(w *world, created time.Time) []stored {
	var out []stored
	var ztunnels, cnis [2]int32
	for _, n := range m.nodes {
		out = append(out, stored{"nodes", n.object()})
		ztunnels[0]++
		cnis[0]++
		if z := n.ztunnel; z != nil {
			if !z.ready() {
				z.pod.ready = false
			}
			if z.pod.ready {
				ztunnels[1]++
			}
			out = append(out, stored{"pods", z.pod.podModel.object()})
			w.pods[podKey(z.pod.namespace, z.pod.name)] = z.pod.backend(z.log, z.ports())
		}
		if n.cni != nil {
			if n.cni.pod.ready {
				cnis[1]++
			}
			connected := 0
			if n.ztunnel != nil && !n.cni.disconnected {
				connected = 1
			}
			if n.cni.uncounted {
				connected = -1
			}
			out = append(out, stored{"pods", n.cni.pod.object()})
			w.pods[podKey(n.cni.pod.namespace, n.cni.pod.name)] = cniBackend(n.cni.pod,
				cniState{ready: !n.cni.broken, connected: connected, log: joinLines(n.cni.lines).Text, previous: n.cni.before})
		}
	}
	return append(out,
		stored{"daemonsets", ztunnelDaemonSet(m.version, created, ztunnels[0], ztunnels[1]).object()},
		stored{"daemonsets", cniDaemonSet(m.version, created, cnis[0], cnis[1]).object()},
		stored{"serviceaccounts", serviceAccount(systemNamespace, "ztunnel", created)},
		stored{"serviceaccounts", serviceAccount(systemNamespace, "istio-cni", created)},
		stored{"serviceaccounts", serviceAccount(systemNamespace, "istiod", created)},
		stored{"configmaps", cniConfigMap(m.version, created)})
}

func (m *mesh) appObjects(w *world, created time.Time) []stored {
	var out []stored
	var models, all []podModel
	for _, p := range m.pods {
		if p.podless || p.leaving {
			continue
		}
		all = append(all, p.podModel)
		if p.system {
			continue
		}
		models = append(models, p.podModel)
		out = append(out, stored{"pods", p.podModel.object()})
		backend := appBackend(p.podModel)
		if p.native && p.ready {
			backend.Ports = envoyPorts(m.sends(p))
		}
		w.pods[podKey(p.namespace, p.name)] = backend
	}
	out = append(out, ownerObjects(models, created)...)
	byApp := map[string][]podModel{}
	for _, p := range all {
		key := podKey(p.namespace, p.labels["app"])
		byApp[key] = append(byApp[key], p)
	}
	for _, s := range m.services {
		if s.host != "" {
			continue
		}
		out = append(out, stored{"services", s.object()})
		out = append(out, s.slices(byApp[podKey(s.namespace, s.selector["app"])])...)
	}
	return out
}

// meshObjects are the mesh's configuration.
func (m *mesh) meshObjects(created time.Time) []stored {
	var out []stored
	for _, p := range m.policies {
		if !p.converted {
			out = append(out, stored{"authorizationpolicies", p.object(created)})
		}
	}
	for _, p := range m.netpols {
		out = append(out, stored{"networkpolicies", appPortOnly(p, created)})
	}
	for _, class := range []string{"istio", istio.RemoteClass, istio.WaypointClass} {
		if m.noClass && class == istio.WaypointClass {
			continue
		}
		controller := istio.GatewayController
		if class == istio.WaypointClass {
			controller = istio.MeshController
		}
		out = append(out, stored{"gatewayclasses", customObject("", class, created, map[string]any{"controllerName": controller})})
	}
	if m.waypoint != nil {
		out = append(out, stored{"gateways", m.waypoint.gateway(created)})
	}
	return out
}

func (p *meshPolicy) object(created time.Time) *unstructured.Unstructured {
	match := policyMatch{}
	for _, principal := range p.principals {
		match.Principals = append(match.Principals, stringMatch{"Exact": principal})
	}
	rules := [][][]policyMatch{{{match}}}
	if p.empty {
		rules = nil
	}
	written := recordedPolicy{Namespace: p.namespace, Name: p.name, Action: choose(p.deny, "Deny", "Allow"), App: p.app}
	object := written.authorizationPolicy(rules, created)
	if p.trial {
		object.SetAnnotations(map[string]string{istio.DryRunAnnotation: "true"})
	}
	return object
}

func (wp *meshWaypoint) gateway(created time.Time) *unstructured.Unstructured {
	gw := customObject(wp.namespace, wp.name, created, map[string]any{
		"gatewayClassName": istio.WaypointClass,
		"listeners":        []any{map[string]any{"name": "mesh", "port": int64(istio.HBONEPort), "protocol": "HBONE"}},
	})
	gw.SetLabels(map[string]string{istio.WaypointForLabel: "service"})
	gw.Object["status"] = gatewayStatus("Hostname", wp.service.hostname(), created)
	return gw
}

// gatewayStatus is that of a Gateway that serves at an address.
func gatewayStatus(kind, address string, since time.Time) map[string]any {
	at := since.UTC().Format(time.RFC3339)
	return map[string]any{
		"addresses": []any{map[string]any{"type": kind, "value": address}},
		"conditions": []any{
			map[string]any{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "Resource accepted", "lastTransitionTime": at},
			map[string]any{"type": "Programmed", "status": "True", "reason": "Programmed", "message": "Resource programmed", "lastTransitionTime": at},
		},
	}
}

func appPortPolicy(p *meshPod) string { return p.app + "-app-port" }

// appPortOnly is the NetworkPolicy of someone who thought of the application's port alone.
func appPortOnly(p *meshPod, created time.Time) *networkingv1.NetworkPolicy {
	number, tcp := intstr.FromInt32(p.port), corev1.ProtocolTCP
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: appPortPolicy(p), CreationTimestamp: metav1.NewTime(created)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": p.app}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &number}},
			}},
		},
	}
}

// istiodReplicas is how many istiods a mesh has.
const istiodReplicas = 2

func (m *mesh) addIstiods() {
	const hash = "7c8d9f6b54"
	service := m.addService(systemNamespace, "istiod", "istiod", 15012, 15012)
	for i := range istiodReplicas {
		n := m.nodes[i%len(m.nodes)]
		labels := merged(chartLabels("istiod", m.version), map[string]string{
			"app": "istiod", "istio": "pilot", istio.RevisionLabel: "default", istio.DataplaneModeLabel: "none",
			istio.InjectAnnotation: "false", "operator.istio.io/component": "Pilot", "pod-template-hash": hash,
		})
		p := m.systemPod(n, "istiod-"+hash+"-"+nameSuffix("istiod", i), "istiod", fmt.Sprintf("10.126.0.%d", i+2), istiodContainer(m.version), labels, "istiod")
		p.owner = ownerReference("apps/v1", "ReplicaSet", "replicasets", systemNamespace, "istiod-"+hash)
		m.join(service, p)
		m.istiods = append(m.istiods, &meshIstiod{mesh: m, pod: p, version: m.version, unacked: map[*ztunnel]bool{}})
	}
	for i, n := range m.nodes {
		replica := m.istiods[i%istiodReplicas]
		replica.proxies = append(replica.proxies, n.ztunnel)
	}
}

// istiodContainer follows manifests/charts/istio-control/istio-discovery/templates/deployment.yaml.
func istiodContainer(version string) containerModel {
	return containerModel{
		name: istio.DiscoveryContainer, image: imageHub + "pilot:" + version + "-distroless",
		env: []corev1.EnvVar{
			{Name: "REVISION", Value: "default"},
			{Name: "PILOT_CERT_PROVIDER", Value: "istiod"},
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			fieldEnv("SERVICE_ACCOUNT", "spec.serviceAccountName"),
			{Name: "PILOT_ENABLE_AMBIENT", Value: "true"},
			{Name: "CA_TRUSTED_NODE_ACCOUNTS", Value: "istio-system/ztunnel"},
			{Name: "CLUSTER_ID", Value: clusterID},
		},
		ports: []corev1.ContainerPort{
			{Name: "http-debug", ContainerPort: 8080}, {Name: "grpc-xds", ContainerPort: 15010},
			{Name: "tls-xds", ContainerPort: 15012}, {Name: "http-monitoring", ContainerPort: 15014},
		},
		probe: httpProbe("/ready", 8080),
	}
}

func (m *mesh) istiodObjects(w *world, created time.Time) []stored {
	if m.istiodAway {
		return []stored{{"configmaps", m.configMap(created)}}
	}
	var out []stored
	var models []podModel
	for _, i := range m.istiods {
		models = append(models, i.pod.podModel)
		out = append(out, stored{"pods", i.pod.podModel.object()})
		w.pods[podKey(systemNamespace, i.pod.name)] = i.pod.backend(i.log, i.ports())
	}
	set, name := replicaSetName(models[0].name), "istiod"
	out = append(out, stored{"replicasets", replicaSet(podKey(systemNamespace, set), models, created)})
	d := deployment(podKey(systemNamespace, name), models, created)
	d.Labels = merged(chartLabels(name, m.istiods[0].version), map[string]string{"app": "istiod", "istio": "pilot", istio.RevisionLabel: "default"})
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: models[0].container.name, Image: models[0].container.image, Env: models[0].container.env, Ports: models[0].container.ports,
	}}
	d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
	return append(out, stored{"deployments", d}, stored{"configmaps", m.configMap(created)})
}

func (m *mesh) configMap(created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: systemNamespace, Name: "istio", CreationTimestamp: metav1.NewTime(created),
			Labels: map[string]string{istio.RevisionLabel: "default"},
		},
		Data: map[string]string{"mesh": strings.Join([]string{
			"accessLogFile: /dev/stdout", "defaultConfig:", "  discoveryAddress: istiod.istio-system.svc:15012",
			"  proxyMetadata:", "    ISTIO_META_ENABLE_HBONE: \"true\"", "rootNamespace: istio-system", "trustDomain: " + m.trustDomain, "",
		}, "\n")},
	}
}
