package fault

import (
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func configurationFaults() []Fault {
	return []Fault{
		{"virtualservice-not-applied", "a VirtualService is for a service without a waypoint, and no caller has a sidecar", plantBeside("virtualservices", "virtualservice", plant.VirtualServiceSpec)},
		{"route-not-applied", "an HTTPRoute has a service without a waypoint for its parent", plantBeside("httproutes", "httproute", plant.ServiceRouteSpec)},
		{"destinationrule-not-applied", "a DestinationRule asks for outlier detection at a service without a waypoint", plantBeside("destinationrules", "destinationrule", plant.DestinationRuleSpec)},
		{"requestauthentication-not-applied", "a RequestAuthentication selects captured pods", plantBeside("requestauthentications", "requestauthentication", tokenSpec)},
		{"wasmplugin-not-applied", "a WasmPlugin is bound to a service without a waypoint", plantBeside("wasmplugins", "wasmplugin", plant.PluginSpec)},
		{"telemetry-not-applied", "a Telemetry selects captured pods", plantBeside("telemetries", "telemetry", telemetrySpec)},
		{"policy-selects-waypoint", "a policy selects a waypoint by its pods' labels", plantWaypointSelector},
	}
}

// plantBeside puts an object of the service's name beside a service that no Envoy stands before.
func plantBeside(resource, kind string, spec func(*world.Service) map[string]any) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		s, err := plant.PickDirect(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		plant.Configure(m, resource, s.Namespace, s.Name, spec(s))
		return world.Subject{Kind: kind, Namespace: s.Namespace, Name: s.Name}, nil
	}
}

func tokenSpec(s *world.Service) map[string]any {
	return map[string]any{"selector": world.SelectorOf(s.Pods[0].App), "jwtRules": []any{map[string]any{"issuer": "https://login.example"}}}
}

func telemetrySpec(s *world.Service) map[string]any {
	return map[string]any{"selector": world.SelectorOf(s.Pods[0].App), "accessLogging": plant.AccessLogging()}
}

func plantWaypointSelector(m *world.Mesh, _ string) (world.Subject, error) {
	if m.Waypoint == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	const name = "waypoint-methods"
	plant.Configure(m, "authorizationpolicies", m.Waypoint.Namespace, name, map[string]any{
		"selector": plant.GatewaySelector(m.Waypoint.Name),
		"action":   "DENY",
		"rules":    []any{map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"DELETE"}}}}}},
	})
	return world.Subject{Kind: "authorizationpolicy", Namespace: m.Waypoint.Namespace, Name: name}, nil
}
