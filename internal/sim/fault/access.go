package fault

import (
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func accessFaults() []Fault {
	return []Fault{
		{"no-portforward", "the user may not open port-forwards", plantDenial(world.Denial{Resource: "pods", Subresource: "portforward"})},
		{"no-logs", "the user may not read logs", plantDenial(world.Denial{Resource: "pods", Subresource: "log"})},
		{"ztunnel-hangs", "a ztunnel's ports accept connections and never answer", on(plant.PickZtunnel, plantHang)},
	}
}

func plantDenial(d world.Denial) planter {
	return func(m *world.Mesh, _ string) (world.Subject, error) {
		m.Denied = append(m.Denied, d)
		return world.Subject{Kind: "user", Name: world.ClusterUser}, nil
	}
}

func plantHang(m *world.Mesh, z *world.Ztunnel) {
	z.Hangs = true
}
