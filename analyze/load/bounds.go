package load

import (
	"fmt"
)

// Bounds on what is kept of a bundle, far above the largest mesh: an entry of
// a few bytes can cost a hundred times as much in memory.
const (
	mostAgents       = 10_000  // pods of a kind
	mostItems        = 160_000 // objects of a resource: Kubernetes takes clusters of up to 150,000 pods
	mostFlows        = 50_000  // connections of a log or dump that differ
	mostObservations = 500_000 // connections of all
	mostLogs         = 200_000 // messages of all logs
	mostSeries       = 500_000
	mostStates       = 1000 // errors of a log's ztunnel itself
	mostSpecs        = 40_000_000
	ownSpec          = 10 // what one costs that is not shared with a view, beside one that is
)

// full is an error where key would be one agent too many.
func full[T any](agents map[string]T, key, kind string) error {
	if _, known := agents[key]; known || len(agents) < mostAgents {
		return nil
	}
	return fmt.Errorf("is of more than %d %s pods, which no mesh has", mostAgents, kind)
}
