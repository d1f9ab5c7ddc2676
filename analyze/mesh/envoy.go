package mesh

import (
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// Envoy is the proxy of one waypoint's or gateway's pod, by what its metrics count of the requests
// that it sent on between the two looks of a collection.
type Envoy struct {
	Pod *Pod `expr:"pod"`
	// Gateway is the one that it is a pod of; nil where there is no such object.
	Gateway *Waypoint `expr:"gateway"`
	// Seconds are those between the two looks, 0 where there was but one.
	Seconds float64 `expr:"seconds"`
	// Requests counts all, Cut those whose upstream connection failed or ended before an answer
	// came: response flags UF and UC.
	Requests float64 `expr:"requests"`
	Cut      float64 `expr:"cut"`
	// Calls are they by the service that they were sent to.
	Calls []*EnvoyCalls `expr:"calls"`
	// CutAtOthers counts the requests that were cut so between other Envoys and the same services,
	// ExpectedAtOthers how many would have been had they been cut as often as here.
	CutAtOthers      float64 `expr:"cutAtOthers"`
	ExpectedAtOthers float64 `expr:"expectedAtOthers"`
	// TunnelsFailed counts the HBONE connections that could not be made (upstream_cx_connect_fail of
	// cluster connect_originate); -1 where its statistics leave that cluster out, as they do by default.
	TunnelsFailed float64 `expr:"tunnelsFailed"`
	Source        Evidence
}

// EnvoyCalls are the requests that one Envoy sent to one service between the two looks.
type EnvoyCalls struct {
	Service  string  `expr:"service"`
	Requests float64 `expr:"requests"`
	Cut      float64 `expr:"cut"`
}

// joinEnvoys compares what each Envoy had of a service with what the others had.
func (m *Mesh) joinEnvoys() {
	gateways := make(map[string]*Waypoint, len(m.Waypoints))
	for _, w := range m.Waypoints {
		gateways[w.Namespace+"/"+w.Name] = w
	}
	all := map[string]*EnvoyCalls{}
	for _, e := range m.Envoys {
		e.Gateway = gateways[e.Pod.Namespace+"/"+e.Pod.Labels[istio.GatewayNameLabel]]
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

func (e *Envoy) Subject() Subject { return e.Pod.Subject() }

// Refs are the pod, its Gateway and the services whose requests were cut.
func (e *Envoy) Refs() []string {
	keys := e.Pod.Refs()
	if e.Gateway != nil {
		keys = append(keys, e.Gateway.Subject().Key())
	}
	for _, c := range e.Calls {
		if c.Cut > 0 && strings.Contains(c.Service, ".svc.") {
			keys = append(keys, serviceSubject(c.Service).Key())
		}
	}
	return refs(keys...)
}
func (e *Envoy) Evidence() []Evidence    { return evidence(e.Source) }
func (e *Envoy) Gap(string) (*Gap, bool) { return nil, false }
