package load

import (
	"cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/istio"
)

// gatewayReader reads Gateways, and what other objects say of them and of their pods.
type gatewayReader struct {
	*reading
	classes map[string]gatewayClassObject // by name
	// replicas are Deployments' spec.replicas by "<ns>/<name>".
	replicas map[string]int
	// byGateway are the pods that only their Gateway makes a part of the mesh: they count nothing that is read.
	byGateway map[*mesh.Pod]bool
}

// gatewayObject is a Gateway (gateway-api apis/v1).
type gatewayObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		GatewayClassName string `json:"gatewayClassName"`
		Listeners        []struct {
			Name     string `json:"name"`
			Port     int    `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"listeners"`
	} `json:"spec"`
	Status struct {
		Addresses []struct {
			Value string `json:"value"`
		} `json:"addresses"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

// gatewayClassObject is a GatewayClass (gateway-api apis/v1).
type gatewayClassObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		ControllerName string `json:"controllerName"`
	} `json:"spec"`
}

// classifyGateways tells which Gateways are waypoints, and by them what those
// pods are that only their Gateway makes a part of the mesh.
func (l *gatewayReader) classifyGateways() {
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
func (l *gatewayReader) referredWaypoints() map[string]bool {
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

func (l *gatewayReader) gateway(o gatewayObject, at mesh.Evidence) {
	w := &mesh.Waypoint{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Class: o.Spec.GatewayClassName, Kind: "gateway",
		TrafficType: o.Metadata.Labels[istio.WaypointForLabel],
		Conditions:  conditions(o.Status.Conditions), Created: o.Metadata.CreationTimestamp, Replicas: -1, Source: at,
	}
	w.Programmed = w.Conditions["Programmed"].Status == "True"
	for _, a := range o.Status.Addresses {
		w.Addresses = append(w.Addresses, a.Value)
	}
	for _, s := range o.Spec.Listeners {
		w.Listeners = append(w.Listeners, &mesh.Listener{Name: s.Name, Port: s.Port, Protocol: s.Protocol})
	}
	l.mesh.Waypoints = append(l.mesh.Waypoints, w)
}

// finish adds what the objects beside a Gateway say of it.
func (l *gatewayReader) finish(versions map[string]string) {
	for _, w := range l.mesh.Waypoints {
		class, known := l.classes[w.Class]
		w.ClassKnown = known
		w.TrafficType = cmp.Or(w.TrafficType, class.Metadata.Labels[istio.WaypointForLabel], "service")
		if n, ok := l.replicas[w.Namespace+"/"+w.Name]; ok {
			w.Replicas = n
		}
	}
	l.classifyGateways()
	l.gatewayVersions(versions)
}

// gatewayVersions gives each Gateway the version of its connected proxies.
func (l *gatewayReader) gatewayVersions(versions map[string]string) {
	gateways := make(map[string]*mesh.Waypoint, len(l.mesh.Waypoints))
	for _, w := range l.mesh.Waypoints {
		gateways[w.Namespace+"/"+w.Name] = w
	}
	for _, p := range l.mesh.Pods {
		v := versions[p.Name+"."+p.Namespace]
		w := gateways[p.Namespace+"/"+p.Labels[istio.GatewayNameLabel]]
		if v != "" && w != nil {
			w.Version = v
		}
	}
}
