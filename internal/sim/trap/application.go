package trap

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// applicationTraps are errors of applications, which are no faults of the mesh.
func applicationTraps() []Trap {
	return []Trap{
		{"servers-cut-off-waypoints", "servers that end connections without an answer, whichever of a waypoint's pods calls", "", layCutByServers},
		{"servers-not-listening", "a server that has not listened on its port for hours: the mesh delivers, and the pod refuses", "hint", layNotListening},
		{"servers-reset", "a server that accepts connections and resets them without an answer", "", layResetting},
		{"clients-give-up", "clients that hang up on a slow server before it has answered", "hint", layImpatientAlone},
		{"externals-unreachable", "addresses outside the mesh that refuse, don't answer, or have no route", "hint", layUnreachableExternals},
		{"databases-only", "a captured pod whose only traffic goes in plain text to a database outside the mesh", "", layOn(plant.PickPod, layDatabasesOnly)},
		{"calls-itself", "a pod that calls itself by its service's address", "", layCallsItself},
	}
}

func layNotListening(m *world.Mesh) error {
	return layCalls(m, func(src, dst *world.Pod, at time.Time) {
		failed(m, src, dst, at, "http status: 503 Service Unavailable", "CONNECT", "connection failed: Connection refused (os error 111)", "CONNECT")
	})
}

// layResetting: ztunnels see a connection that ended, with nothing sent back.
func layResetting(m *world.Mesh) error {
	return layCalls(m, func(src, dst *world.Pod, at time.Time) {
		a := world.Access{
			At: at, Src: src, SrcAddr: m.Socket(src), Dst: dst, DstAddr: fmt.Sprintf("%s:%d", dst.IP(), istio.HBONEPort), HBONE: m.AppAddress(dst),
			Mutual: true, Request: 74, Millis: 1,
		}
		src.OnNode.Ztunnel.Note(a)
		m.Inbound(a, dst, nil)
	})
}

func layImpatientAlone(m *world.Mesh) error {
	return layCalls(m, func(src, dst *world.Pod, at time.Time) {
		failed(m, src, dst, at, "client disconnected before all data was written", "-", "", "")
	})
}

// layCalls makes calls between two pods that no fault has touched.
func layCalls(m *world.Mesh, call func(src, dst *world.Pod, at time.Time)) error {
	src, dst, err := plant.PickPeers(m, "")
	if err != nil {
		return err
	}
	m.Calls = append(m.Calls, func(at time.Time) { call(src, dst, at) })
	return nil
}

// layUnreachableExternals: ztunnel passes such calls on as they are (src/proxy/outbound.rs proxy_to_tcp).
func layUnreachableExternals(m *world.Mesh) error {
	src, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	for i, err := range []string{
		"io error: Connection refused (os error 111)", "io error: deadline has elapsed",
		"io error: No route to host (os error 113)", "io error: Network is unreachable (os error 101)",
	} {
		m.Calls = append(m.Calls, func(at time.Time) {
			src.OnNode.Ztunnel.Note(world.Access{
				At: at, Src: src, SrcAddr: m.Socket(src), DstAddr: fmt.Sprintf("198.51.100.%d:443", 20+i), Millis: 3, Err: err, Flag: "CONNECT",
			})
		})
	}
	return nil
}

func layDatabasesOnly(m *world.Mesh, p *world.Pod) {
	p.Mute = true
	withdraw(m, p)
	m.Calls = append(m.Calls, func(at time.Time) {
		p.OnNode.Ztunnel.Note(world.Access{
			At: at, Src: p, SrcAddr: m.Socket(p), DstAddr: "198.51.100.40:5432", Request: 4210, Response: 91300, Millis: 1800,
		})
	})
}

func layCallsItself(m *world.Mesh) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	if len(p.Services) == 0 {
		return plant.ErrNoSubject
	}
	m.Calls = append(m.Calls, func(at time.Time) { m.Connect(p, p, p.Services[0], at) })
	return nil
}

func layCutByServers(m *world.Mesh) error {
	users := m.ThroughWaypoint()
	if len(users) == 0 {
		return plant.ErrNoSubject
	}
	plant.CutOff(m.Waypoint.Pod, users)
	plant.CutOff(plant.AddWaypointPod(m), users)
	return nil
}
