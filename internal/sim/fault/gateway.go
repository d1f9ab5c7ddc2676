package fault

import (
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func gatewayFaults() []Fault {
	return []Fault{
		{"gateway-hbone-failing", "one of a waypoint's two pods has every fifth of its requests cut off, and the other none", plantCutTunnels},
	}
}

func plantCutTunnels(m *world.Mesh, _ string) (world.Subject, error) {
	users := m.ThroughWaypoint()
	if len(users) == 0 || !waypointRuns(m) || !m.Waypoint.Pod.Ready {
		return world.Subject{}, plant.ErrNoSubject
	}
	plant.AddWaypointPod(m)
	plant.CutOff(m.Waypoint.Pod, users)
	return m.Waypoint.Pod.Subject(), nil
}

// scaled is true of a waypoint that has got more pods than its first.
func scaled(wp *world.Waypoint) bool { return len(wp.Service.Pods) > 1 }
