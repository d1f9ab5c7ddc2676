package sim

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
)

// applicationTraps are errors of applications, which are no faults of the mesh.
func applicationTraps() []Trap {
	return []Trap{
		{"servers-cut-off-waypoints", "servers that end connections without an answer, whichever of a waypoint's pods calls", "", layCutByServers},
		{"servers-not-listening", "a server that has not listened on its port for hours: the mesh delivers, and the pod refuses", "hint", layNotListening},
		{"servers-reset", "a server that accepts connections and resets them without an answer", "", layResetting},
		{"clients-give-up", "clients that hang up on a slow server before it has answered", "hint", layImpatientAlone},
		{"externals-unreachable", "addresses outside the mesh that refuse, don't answer, or have no route", "hint", layUnreachableExternals},
		{"databases-only", "a captured pod whose only traffic goes in plain text to a database outside the mesh", "", layOn((*mesh).pickPod, layDatabasesOnly)},
		{"calls-itself", "a pod that calls itself by its service's address", "", layCallsItself},
	}
}

func layNotListening(m *mesh) error {
	return m.layCalls(func(src, dst *meshPod, at time.Time) {
		m.failed(src, dst, at, "http status: 503 Service Unavailable", "CONNECT", "connection failed: Connection refused (os error 111)", "CONNECT")
	})
}

// layResetting: ztunnels see a connection that ended, with nothing sent back.
func layResetting(m *mesh) error {
	return m.layCalls(func(src, dst *meshPod, at time.Time) {
		a := access{
			at: at, src: src, srcAddr: m.socket(src), dst: dst, dstAddr: fmt.Sprintf("%s:%d", dst.ip(), istio.HBONEPort), hbone: m.appAddress(dst),
			mutual: true, request: 74, millis: 1,
		}
		src.onNode.ztunnel.note(a)
		m.inbound(a, dst, nil)
	})
}

func layImpatientAlone(m *mesh) error {
	return m.layCalls(func(src, dst *meshPod, at time.Time) {
		m.failed(src, dst, at, "client disconnected before all data was written", "-", "", "")
	})
}

// layCalls makes calls between two pods that no fault has touched.
func (m *mesh) layCalls(call func(src, dst *meshPod, at time.Time)) error {
	src, dst, err := m.pickPeers("")
	if err != nil {
		return err
	}
	m.calls = append(m.calls, func(at time.Time) { call(src, dst, at) })
	return nil
}

// layUnreachableExternals: ztunnel passes such calls on as they are (src/proxy/outbound.rs proxy_to_tcp).
func layUnreachableExternals(m *mesh) error {
	src, err := m.pickPod("")
	if err != nil {
		return err
	}
	for i, err := range []string{
		"io error: Connection refused (os error 111)", "io error: deadline has elapsed",
		"io error: No route to host (os error 113)", "io error: Network is unreachable (os error 101)",
	} {
		m.calls = append(m.calls, func(at time.Time) {
			src.onNode.ztunnel.note(access{
				at: at, src: src, srcAddr: m.socket(src), dstAddr: fmt.Sprintf("198.51.100.%d:443", 20+i), millis: 3, err: err, flag: "CONNECT",
			})
		})
	}
	return nil
}

func layDatabasesOnly(m *mesh, p *meshPod) {
	p.mute = true
	m.withdraw(p)
	m.calls = append(m.calls, func(at time.Time) {
		p.onNode.ztunnel.note(access{
			at: at, src: p, srcAddr: m.socket(p), dstAddr: "198.51.100.40:5432", request: 4210, response: 91300, millis: 1800,
		})
	})
}

func layCallsItself(m *mesh) error {
	p, err := m.pickPod("")
	if err != nil {
		return err
	}
	if len(p.services) == 0 {
		return ErrNoSubject
	}
	m.calls = append(m.calls, func(at time.Time) { m.connect(p, p, p.services[0], at) })
	return nil
}

func layCutByServers(m *mesh) error {
	users := m.throughWaypoint()
	if len(users) == 0 {
		return ErrNoSubject
	}
	m.waypoint.pod.cutOff(users)
	m.addWaypointPod().cutOff(users)
	return nil
}
