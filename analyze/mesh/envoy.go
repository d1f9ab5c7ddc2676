package mesh

import (
	"strings"
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
