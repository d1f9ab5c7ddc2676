package plant

import (
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// PickDirect is the service that arg names, or the last one whose calls go to captured pods without a waypoint.
func PickDirect(m *world.Mesh, arg string) (*world.Service, error) {
	for i := len(m.Services) - 1; i >= 0; i-- {
		s := m.Services[i]
		if arg != "" && arg != world.PodKey(s.Namespace, s.Name) || s.Host != "" || s.Through != nil || s.Waypoint != "" || s.Foreign || len(s.Pods) < 2 {
			continue
		}
		if p := s.Pods[0]; p.Mesh && !p.Native && !p.System && !p.Touched() && len(p.Bound) == 0 {
			return s, nil
		}
	}
	return nil, ErrNoSubject
}

// Configure adds an object of the mesh's configuration that is as old as the mesh.
func Configure(m *world.Mesh, resource, namespace, name string, spec map[string]any) {
	m.Extra = append(m.Extra, world.Stored{Resource: resource, Object: world.CustomObject(namespace, name, m.Started.Truncate(time.Second), spec)})
}

// VirtualServiceSpec is the spec of a VirtualService for host.
func VirtualServiceSpec(s *world.Service) map[string]any {
	to := map[string]any{"destination": map[string]any{"host": s.Name}}
	return map[string]any{"hosts": []any{s.Name}, "http": []any{map[string]any{"timeout": "2s", "route": []any{to}}}}
}

// ServiceRouteSpec is the spec of an HTTPRoute for a Service.
func ServiceRouteSpec(s *world.Service) map[string]any {
	return map[string]any{
		"parentRefs": []any{map[string]any{"group": "", "kind": "Service", "name": s.Name, "port": int64(80)}},
		"rules":      []any{map[string]any{"backendRefs": []any{map[string]any{"name": s.Name, "port": int64(80)}}}},
	}
}

// DestinationRuleSpec is the spec of a DestinationRule for host.
func DestinationRuleSpec(s *world.Service) map[string]any {
	return map[string]any{
		"host":          s.Hostname(),
		"trafficPolicy": map[string]any{"outlierDetection": map[string]any{"consecutive5xxErrors": int64(5)}},
	}
}

// PluginSpec is the spec of a WasmPlugin.
func PluginSpec(s *world.Service) map[string]any {
	return map[string]any{"targetRefs": []any{ServiceRef(s)}, "url": "oci://registry.example/limits:1"}
}

// ServiceRef refers to a Service.
func ServiceRef(s *world.Service) map[string]any {
	return map[string]any{"group": "", "kind": "Service", "name": s.Name}
}

// AccessLogging is what a Telemetry says to have calls logged.
func AccessLogging() []any {
	return []any{map[string]any{"providers": []any{map[string]any{"name": "envoy"}}}}
}

// GatewaySelector selects the pods of a Gateway.
func GatewaySelector(name string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{istio.GatewayNameLabel: name}}
}

// PolicyStatus is the status that istiod writes where ztunnels take a policy only in part.
func PolicyStatus(reason, message string, at time.Time) map[string]any {
	return map[string]any{"conditions": []any{map[string]any{
		"type": "ZtunnelAccepted", "status": "True", "reason": reason, "message": message, "lastTransitionTime": at.UTC().Format(time.RFC3339),
	}}}
}
