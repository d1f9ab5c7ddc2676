package load

import (
	"cmp"

	"github.com/zbundle/zbundle/internal/istio"
)

// classifyGateways tells which Gateways are waypoints, and by them what those
// pods are that only their Gateway makes a part of the mesh.
func (l *loader) classifyGateways() {
	referred := l.referredWaypoints()
	components := make(map[string]string, len(l.mesh.Waypoints))
	for _, w := range l.mesh.Waypoints {
		name := w.Namespace + "/" + w.Name
		of := istio.GatewayObject{Class: w.Class, Controller: l.classes[w.Class].Spec.ControllerName, Referred: referred[name]}
		for _, listener := range w.Listeners {
			of.Protocols = append(of.Protocols, listener.Protocol)
		}
		components[name] = of.Component()
		if components[name] == istio.Waypoint {
			w.Kind = istio.Waypoint
		}
	}
	for _, p := range l.mesh.Pods {
		known := components[p.Namespace+"/"+p.Labels[istio.GatewayNameLabel]]
		if p.Labels[istio.GatewayNameLabel] == "" || known == "" || p.Component != "" && p.Component != istio.Gateway {
			continue
		}
		l.byGateway[p] = p.Component == ""
		p.Component = known
	}
}

// referredWaypoints are the Gateways that labels bind traffic to, by "<namespace>/<name>".
func (l *loader) referredWaypoints() map[string]bool {
	out := map[string]bool{}
	refer := func(labels map[string]string, namespace string) {
		if name := labels[istio.UseWaypointLabel]; name != "" && name != istio.ModeNone {
			out[cmp.Or(labels[istio.UseWaypointNamespaceLabel], namespace)+"/"+name] = true
		}
	}
	for _, n := range l.mesh.Namespaces {
		refer(n.Labels, n.Name)
	}
	for _, s := range l.mesh.Services {
		refer(s.Labels, s.Namespace)
	}
	for _, e := range l.mesh.ServiceEntries {
		refer(e.Labels, e.Namespace)
	}
	for _, p := range l.mesh.Pods {
		refer(p.Labels, p.Namespace)
	}
	return out
}
