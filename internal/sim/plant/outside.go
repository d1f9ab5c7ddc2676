package plant

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// Outsider is an address that neither Kubernetes nor istiod knows.
const Outsider = "203.0.113.44"

// FromOutside books a connection of a caller that no plane knows.
func FromOutside(m *world.Mesh, dst *world.Pod, address, failure string, at time.Time) {
	a := world.Access{
		At: at, Inbound: true, SrcAddr: fmt.Sprintf("%s:%d", address, 40000+m.Random.IntN(20000)), Dst: dst, DstAddr: m.AppAddress(dst),
		Request: 210, Response: 1800, Millis: 4,
	}
	if len(dst.Services) > 0 {
		a.Service = dst.Services[0]
	}
	if failure != "" {
		a.Err, a.Flag, a.Request, a.Response, a.Millis = failure, "DENY", 0, 0, 0
	}
	dst.OnNode.Ztunnel.Note(a)
}
