package world

import (
	"time"
)

// joined is the network beside the world's own, as far as istiods join it to theirs.
type joined struct {
	MultiNetwork bool // istiods do that
	Apart        bool // a fault hangs on their not doing that
	Gatewayless  bool // a fault hangs on there being no gateway
	Pods         []*Pod
}

// surroundings are what the mesh stands in, and how it is served, beyond its model.
type surroundings struct {
	After []func()         // changes once the traffic has been made
	Extra []Stored         // objects beside those of the model
	Amend []func(o Stored) // last changes to objects before they are served

	Gateways          []NetworkGateway // into other networks, as istiod knows them
	Remote            joined
	Cilium            map[string]string // its configuration, nil without it
	WithoutGatewayAPI bool
	DebugOff          bool      // istiod answers nothing under /debug
	IstiodAway        bool      // istiod runs outside the cluster
	LogLevel          string    // of ztunnels, "" for info
	LogFrom           time.Time // where rotation has cut ztunnels' logs
}
