package sim

import (
	"github.com/zbundle/zbundle/internal/sim/fault"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/trap"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// What Options take and a Cluster gives, by its name in the room that it is from.
type (
	Generate = world.Generate
	Peer     = world.Peer
	Planted  = world.Planted
	Subject  = world.Subject
	Fault    = fault.Fault
	Trap     = trap.Trap
)

// ErrNoSubject tells that the world has nothing that a fault could be planted on.
var ErrNoSubject = plant.ErrNoSubject

// Faults lists what can be planted.
func Faults() []Fault { return fault.All() }

// Traps lists what can be laid.
func Traps() []Trap { return trap.All() }

// ParsePeer reads "ID", or "ID=NETWORK/GATEWAY" for a cluster on a network of its own.
func ParsePeer(text string) (Peer, error) { return world.ParsePeer(text) }
