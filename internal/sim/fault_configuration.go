package sim

import (
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

func configurationFaults() []Fault {
	return []Fault{
		{"virtualservice-not-applied", "a VirtualService is for a service without a waypoint, and no caller has a sidecar", plantBeside("virtualservices", "virtualservice", virtualServiceSpec)},
		{"route-not-applied", "an HTTPRoute has a service without a waypoint for its parent", plantBeside("httproutes", "httproute", serviceRouteSpec)},
		{"destinationrule-not-applied", "a DestinationRule asks for outlier detection at a service without a waypoint", plantBeside("destinationrules", "destinationrule", destinationRuleSpec)},
		{"requestauthentication-not-applied", "a RequestAuthentication selects captured pods", plantBeside("requestauthentications", "requestauthentication", tokenSpec)},
		{"wasmplugin-not-applied", "a WasmPlugin is bound to a service without a waypoint", plantBeside("wasmplugins", "wasmplugin", pluginSpec)},
		{"telemetry-not-applied", "a Telemetry selects captured pods", plantBeside("telemetries", "telemetry", telemetrySpec)},
		{"policy-selects-waypoint", "a policy selects a waypoint by its pods' labels", plantWaypointSelector},
	}
}

// pickDirect is the service that arg names, or the last one whose calls go to captured pods without a waypoint.
func (m *mesh) pickDirect(arg string) (*meshService, error) {
	for i := len(m.services) - 1; i >= 0; i-- {
		s := m.services[i]
		if arg != "" && arg != podKey(s.namespace, s.name) || s.host != "" || s.through != nil || s.waypoint != "" || s.foreign || len(s.pods) < 2 {
			continue
		}
		if p := s.pods[0]; p.mesh && !p.native && !p.system && !p.touched() && len(p.bound) == 0 {
			return s, nil
		}
	}
	return nil, ErrNoSubject
}

// plantBeside puts an object of the service's name beside a service that no Envoy stands before.
func plantBeside(resource, kind string, spec func(*meshService) map[string]any) planter {
	return func(m *mesh, arg string) (Subject, error) {
		s, err := m.pickDirect(arg)
		if err != nil {
			return Subject{}, err
		}
		m.configure(resource, s.namespace, s.name, spec(s))
		return Subject{Kind: kind, Namespace: s.namespace, Name: s.name}, nil
	}
}

// configure adds an object of the mesh's configuration that is as old as the mesh.
func (m *mesh) configure(resource, namespace, name string, spec map[string]any) {
	m.extra = append(m.extra, stored{resource, customObject(namespace, name, m.started.Truncate(time.Second), spec)})
}

func virtualServiceSpec(s *meshService) map[string]any {
	to := map[string]any{"destination": map[string]any{"host": s.name}}
	return map[string]any{"hosts": []any{s.name}, "http": []any{map[string]any{"timeout": "2s", "route": []any{to}}}}
}

func serviceRouteSpec(s *meshService) map[string]any {
	return map[string]any{
		"parentRefs": []any{map[string]any{"group": "", "kind": "Service", "name": s.name, "port": int64(80)}},
		"rules":      []any{map[string]any{"backendRefs": []any{map[string]any{"name": s.name, "port": int64(80)}}}},
	}
}

func destinationRuleSpec(s *meshService) map[string]any {
	return map[string]any{
		"host":          s.hostname(),
		"trafficPolicy": map[string]any{"outlierDetection": map[string]any{"consecutive5xxErrors": int64(5)}},
	}
}

func tokenSpec(s *meshService) map[string]any {
	return map[string]any{"selector": selectorOf(s.pods[0].app), "jwtRules": []any{map[string]any{"issuer": "https://login.example"}}}
}

func pluginSpec(s *meshService) map[string]any {
	return map[string]any{"targetRefs": []any{serviceRef(s)}, "url": "oci://registry.example/limits:1"}
}

func serviceRef(s *meshService) map[string]any {
	return map[string]any{"group": "", "kind": "Service", "name": s.name}
}

func telemetrySpec(s *meshService) map[string]any {
	return map[string]any{"selector": selectorOf(s.pods[0].app), "accessLogging": accessLogging()}
}

func accessLogging() []any {
	return []any{map[string]any{"providers": []any{map[string]any{"name": "envoy"}}}}
}

func plantWaypointSelector(m *mesh, _ string) (Subject, error) {
	if m.waypoint == nil {
		return Subject{}, ErrNoSubject
	}
	const name = "waypoint-methods"
	m.configure("authorizationpolicies", m.waypoint.namespace, name, map[string]any{
		"selector": gatewaySelector(m.waypoint.name),
		"action":   "DENY",
		"rules":    []any{map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"DELETE"}}}}}},
	})
	return Subject{Kind: "authorizationpolicy", Namespace: m.waypoint.namespace, Name: name}, nil
}

// gatewaySelector selects the pods of a Gateway.
func gatewaySelector(name string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{istio.GatewayNameLabel: name}}
}
