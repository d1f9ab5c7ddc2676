package trap

import (
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func configurationTraps() []Trap {
	return []Trap{
		{"l7-configuration-of-gateway", "an ingress gateway with VirtualService, DestinationRule, HTTPRoute, RequestAuthentication and WasmPlugin for the captured pods that it calls", "", layGatewayConfiguration},
		{"l7-configuration-of-waypoint", "the same bound to the services of a waypoint, and a Telemetry for their namespace", "", layWaypointConfiguration},
		{"l7-configuration-of-sidecars", "VirtualService and DestinationRule of captured pods that pods with sidecars call", "notice", laySidecarConfiguration},
		{"l7-configuration-without-effect", "what asks nothing of ztunnel: a Telemetry for the mesh, DestinationRules of mutual TLS alone, a VirtualService of hosts outside the mesh", "", layOn(plant.PickDirect, layIdleConfiguration)},
	}
}

func layGatewayConfiguration(m *world.Mesh) error {
	if err := layGateway(m); err != nil {
		return err
	}
	s, err := plant.PickDirect(m, "")
	if err != nil {
		return err
	}
	rule := plant.VirtualServiceSpec(s)
	rule["hosts"], rule["gateways"] = []any{"shop.example"}, []any{"ingress/public"}
	plant.Configure(m, "virtualservices", s.Namespace, s.Name, rule)
	plant.Configure(m, "destinationrules", s.Namespace, s.Name, plant.DestinationRuleSpec(s))
	route := plant.ServiceRouteSpec(s)
	route["parentRefs"] = []any{map[string]any{"name": "public", "namespace": "ingress"}}
	plant.Configure(m, "httproutes", s.Namespace, s.Name, route)
	selected := map[string]any{"selector": plant.GatewaySelector("public")}
	plant.Configure(m, "requestauthentications", "ingress", "public", selected)
	plant.Configure(m, "wasmplugins", "ingress", "public", selected)
	return nil
}

func layWaypointConfiguration(m *world.Mesh) error {
	users := m.ThroughWaypoint()
	if len(users) == 0 {
		return plant.ErrNoSubject
	}
	s := users[0]
	plant.Configure(m, "virtualservices", s.Namespace, s.Name, plant.VirtualServiceSpec(s))
	plant.Configure(m, "destinationrules", s.Namespace, s.Name, plant.DestinationRuleSpec(s))
	plant.Configure(m, "httproutes", s.Namespace, s.Name, plant.ServiceRouteSpec(s))
	plant.Configure(m, "wasmplugins", s.Namespace, s.Name, plant.PluginSpec(s))
	plant.Configure(m, "requestauthentications", s.Namespace, s.Name, map[string]any{"targetRefs": []any{plant.ServiceRef(s)}})
	plant.Configure(m, "telemetries", s.Namespace, "default", map[string]any{"accessLogging": plant.AccessLogging()})
	return nil
}

func laySidecarConfiguration(m *world.Mesh) error {
	if err := laySidecars(m); err != nil {
		return err
	}
	s, err := plant.PickDirect(m, "")
	if err != nil {
		return err
	}
	plant.Configure(m, "virtualservices", s.Namespace, s.Name, plant.VirtualServiceSpec(s))
	plant.Configure(m, "destinationrules", s.Namespace, s.Name, plant.DestinationRuleSpec(s))
	return nil
}

func layIdleConfiguration(m *world.Mesh, s *world.Service) {
	plant.Configure(m, "telemetries", world.SystemNamespace, "mesh-default", map[string]any{"accessLogging": plant.AccessLogging()})
	mutual := map[string]any{"tls": map[string]any{"mode": "ISTIO_MUTUAL"}}
	plant.Configure(m, "destinationrules", world.SystemNamespace, "default", map[string]any{"host": "*.local", "trafficPolicy": mutual})
	plant.Configure(m, "destinationrules", s.Namespace, s.Name, map[string]any{"host": s.Name, "trafficPolicy": mutual})
	rule := plant.VirtualServiceSpec(s)
	rule["hosts"] = []any{"api.partner.example"}
	plant.Configure(m, "virtualservices", s.Namespace, "partner", rule)
}
