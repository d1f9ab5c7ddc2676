package trap

import (
	"fmt"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// Trap is something that a healthy mesh may have and that looks like a fault.
type Trap struct {
	Name  string
	Title string
	// Ceiling is the severity of the worst finding that it may give: "notice", "hint", or "" for none.
	Ceiling string
	lay     func(m *world.Mesh) error
}

// All lists what can be laid in a generated world.
func All() []Trap {
	var all []Trap
	for _, group := range [][]Trap{
		nodeTraps(), podTraps(), workloadTraps(), peerTraps(), applicationTraps(), historyTraps(), logTraps(), metricTraps(), controlTraps(), installTraps(), policyTraps(), configurationTraps(),
	} {
		all = append(all, group...)
	}
	return all
}

// Lay lays the wanted traps in m.
func Lay(m *world.Mesh, wanted []string) error {
	for _, name := range wanted {
		t, ok := trapNamed(name)
		if !ok {
			return fmt.Errorf("there is no trap %q; --list-traps names them all", name)
		}
		if err := t.lay(m); err != nil {
			return fmt.Errorf("laying %s: %w", name, err)
		}
	}
	return nil
}

func trapNamed(name string) (Trap, bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	return Trap{}, false
}

// layOn lays a trap on what pick picks for itself.
func layOn[T any](pick func(*world.Mesh, string) (T, error), lay func(*world.Mesh, T)) func(*world.Mesh) error {
	return func(m *world.Mesh) error {
		picked, err := pick(m, "")
		if err == nil {
			lay(m, picked)
		}
		return err
	}
}

// layOnPair lays a trap on two pods.
func layOnPair(pick func(*world.Mesh, string) (p, peer *world.Pod, err error), lay func(m *world.Mesh, p, peer *world.Pod)) func(*world.Mesh) error {
	return func(m *world.Mesh) error {
		p, peer, err := pick(m, "")
		if err == nil {
			lay(m, p, peer)
		}
		return err
	}
}
