package sim

import "errors"

// Generate describes a world to invent.
type Generate struct {
	Nodes     int
	Workloads int
	Seed      uint64
	Version   string
	Faults    []string
}

func (g *Generate) build() (*world, error) { return nil, errors.New("not yet") }
