package sim

// planter changes the mesh and says what the fault was planted on; arg is the subject asked for, or
// empty to let the seed choose.
type planter = func(m *mesh, arg string) (Subject, error)

// on plants a fault on what pick picks.
func on[T interface{ subject() Subject }](pick func(*mesh, string) (T, error), plant func(*mesh, T)) planter {
	return showing(pick, func(m *mesh, picked T) Subject {
		plant(m, picked)
		return picked.subject()
	})
}

// showing plants a fault on what pick picks, which shows in another subject.
func showing[T any](pick func(*mesh, string) (T, error), plant func(*mesh, T) Subject) planter {
	return func(m *mesh, arg string) (Subject, error) {
		picked, err := pick(m, arg)
		if err != nil {
			return Subject{}, err
		}
		return plant(m, picked), nil
	}
}

// onPair plants a fault on the first of the two pods that pick picks.
func onPair(pick func(*mesh, string) (p, peer *meshPod, err error), plant func(m *mesh, p, peer *meshPod)) planter {
	return showingPair(pick, func(m *mesh, p, peer *meshPod) Subject {
		plant(m, p, peer)
		return p.subject()
	})
}

// showingPair plants a fault on two pods, which shows in another subject.
func showingPair(pick func(*mesh, string) (p, peer *meshPod, err error), plant func(m *mesh, p, peer *meshPod) Subject) planter {
	return func(m *mesh, arg string) (Subject, error) {
		p, peer, err := pick(m, arg)
		if err != nil {
			return Subject{}, err
		}
		return plant(m, p, peer), nil
	}
}
