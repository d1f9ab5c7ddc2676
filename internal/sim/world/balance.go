package world

// LoadBalancing is how ztunnels are told to choose among a service's endpoints, istio
// pkg/workloadapi/workload.proto LoadBalancing.
type LoadBalancing struct {
	Mode      string   // "Strict", "Failover" or "Standard"
	Scopes    []string // "Network", "Region", "Zone", "Node"
	Unhealthy bool     // endpoints that are not healthy are called as well
}

type dumpLoadBalancer struct {
	HealthPolicy       string   `json:"healthPolicy"`
	Mode               string   `json:"mode"`
	RoutingPreferences []string `json:"routingPreferences"`
}

func (b *LoadBalancing) dump() *dumpLoadBalancer {
	if b == nil {
		return nil
	}
	return &dumpLoadBalancer{HealthPolicy: Choose(b.Unhealthy, "AllowAll", "OnlyHealthy"), Mode: b.Mode, RoutingPreferences: append([]string{}, b.Scopes...)}
}

type ambientBalancing struct {
	RoutingPreference []string `json:"routingPreference,omitempty"`
	Mode              string   `json:"mode,omitempty"`
	HealthPolicy      string   `json:"healthPolicy,omitempty"`
}

// words are istiod's for ztunnel's.
var words = map[string]string{
	"Strict": "STRICT", "Failover": "FAILOVER", "Standard": "", "Network": "NETWORK", "Region": "REGION", "Zone": "ZONE", "Node": "NODE",
}

func (b *LoadBalancing) ambient() *ambientBalancing {
	if b == nil {
		return nil
	}
	out := &ambientBalancing{Mode: words[b.Mode], HealthPolicy: Choose(b.Unhealthy, "ALLOW_ALL", "")}
	for _, scope := range b.Scopes {
		out.RoutingPreference = append(out.RoutingPreference, words[scope])
	}
	return out
}

// near are the endpoints that the service's load balancing leaves to a client.
func (s *Service) near(src *Pod, endpoints []*Pod) []*Pod {
	if s.Balance == nil || s.Balance.Mode != "Strict" {
		return endpoints
	}
	var out []*Pod
	for _, p := range endpoints {
		if p.OnNode == src.OnNode {
			out = append(out, p)
		}
	}
	return out
}
