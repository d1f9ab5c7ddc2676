package sim

// loadBalancing is how ztunnels are told to choose among a service's endpoints, istio
// pkg/workloadapi/workload.proto LoadBalancing.
type loadBalancing struct {
	mode      string   // "Strict", "Failover" or "Standard"
	scopes    []string // "Network", "Region", "Zone", "Node"
	unhealthy bool     // endpoints that are not healthy are called as well
}

type dumpLoadBalancer struct {
	HealthPolicy       string   `json:"healthPolicy"`
	Mode               string   `json:"mode"`
	RoutingPreferences []string `json:"routingPreferences"`
}

func (b *loadBalancing) dump() *dumpLoadBalancer {
	if b == nil {
		return nil
	}
	return &dumpLoadBalancer{HealthPolicy: choose(b.unhealthy, "AllowAll", "OnlyHealthy"), Mode: b.mode, RoutingPreferences: append([]string{}, b.scopes...)}
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

func (b *loadBalancing) ambient() *ambientBalancing {
	if b == nil {
		return nil
	}
	out := &ambientBalancing{Mode: words[b.mode], HealthPolicy: choose(b.unhealthy, "ALLOW_ALL", "")}
	for _, scope := range b.scopes {
		out.RoutingPreference = append(out.RoutingPreference, words[scope])
	}
	return out
}

// near are the endpoints that the service's load balancing leaves to a client.
func (s *meshService) near(src *meshPod, endpoints []*meshPod) []*meshPod {
	if s.balance == nil || s.balance.mode != "Strict" {
		return endpoints
	}
	var out []*meshPod
	for _, p := range endpoints {
		if p.onNode == src.onNode {
			out = append(out, p)
		}
	}
	return out
}
