package fault

import (
	"github.com/zbundle/zbundle/internal/sim/world"
)

// planter changes the mesh and says what the fault was planted on; arg is the subject asked for, or
// empty to let the seed choose.
type planter = func(m *world.Mesh, arg string) (world.Subject, error)

// on plants a fault on what pick picks.
func on[T interface{ Subject() world.Subject }](pick func(*world.Mesh, string) (T, error), plant func(*world.Mesh, T)) planter {
	return showing(pick, func(m *world.Mesh, picked T) world.Subject {
		plant(m, picked)
		return picked.Subject()
	})
}

// showing plants a fault on what pick picks, which shows in another subject.
func showing[T any](pick func(*world.Mesh, string) (T, error), plant func(*world.Mesh, T) world.Subject) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		picked, err := pick(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		return plant(m, picked), nil
	}
}

// onPair plants a fault on the first of the two pods that pick picks.
func onPair(pick func(*world.Mesh, string) (p, peer *world.Pod, err error), plant func(m *world.Mesh, p, peer *world.Pod)) planter {
	return showingPair(pick, func(m *world.Mesh, p, peer *world.Pod) world.Subject {
		plant(m, p, peer)
		return p.Subject()
	})
}

// showingPair plants a fault on two pods, which shows in another subject.
func showingPair(pick func(*world.Mesh, string) (p, peer *world.Pod, err error), plant func(m *world.Mesh, p, peer *world.Pod) world.Subject) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		p, peer, err := pick(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		return plant(m, p, peer), nil
	}
}
