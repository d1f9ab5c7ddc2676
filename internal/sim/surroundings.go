package sim

import "time"

// surroundings are what the mesh stands in, and how it is served, beyond its model.
type surroundings struct {
	after []func()         // changes once the traffic has been made
	extra []stored         // objects beside those of the model
	amend []func(o stored) // last changes to objects before they are served

	gateways          []networkGateway // into other networks, as istiod knows them
	remote            joined
	cilium            map[string]string // its configuration, nil without it
	withoutGatewayAPI bool
	debugOff          bool      // istiod answers nothing under /debug
	istiodAway        bool      // istiod runs outside the cluster
	logLevel          string    // of ztunnels, "" for info
	logFrom           time.Time // where rotation has cut ztunnels' logs
}
