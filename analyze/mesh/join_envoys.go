package mesh

import "github.com/zbundle/zbundle/internal/istio"

// joinEnvoys compares what each Envoy had of a service with what the others had.
func joinEnvoys(m *Mesh) {
	all := map[string]*EnvoyCalls{}
	for _, e := range m.Envoys {
		e.Gateway = m.index.gateways[e.Pod.Namespace+"/"+e.Pod.Labels[istio.GatewayNameLabel]]
		for _, c := range e.Calls {
			e.Requests += c.Requests
			e.Cut += c.Cut
			sum := all[c.Service]
			if sum == nil {
				sum = &EnvoyCalls{}
				all[c.Service] = sum
			}
			sum.Requests += c.Requests
			sum.Cut += c.Cut
		}
	}
	for _, e := range m.Envoys {
		for _, c := range e.Calls {
			if c.Cut > 0 {
				sum := all[c.Service]
				e.CutAtOthers += sum.Cut - c.Cut
				e.ExpectedAtOthers += (sum.Requests - c.Requests) * c.Cut / c.Requests
			}
		}
	}
}
