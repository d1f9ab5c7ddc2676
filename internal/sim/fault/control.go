package fault

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func controlFaults() []Fault {
	return []Fault{
		{"xds-cannot-connect", "a ztunnel lost istiod and can't connect again", on(plant.PickZtunnel, plantDisconnected)},
		{"xds-unacked", "a ztunnel doesn't acknowledge what istiod sent it", plantUnacked},
		{"xds-nack", "a ztunnel rejects a resource that istiod sent it", on(plant.PickZtunnel, plantRejected)},
		{"ztunnel-not-in-syncz", "no istiod has a ztunnel connected", on(plant.PickRunning, plantNotConnected)},
		{"skew-ztunnel-istiod", "istiod is three minor versions ahead of the ztunnels", plantSkew},
	}
}

func plantDisconnected(m *world.Mesh, z *world.Ztunnel) {
	plant.Drop(m, z)
	lost := m.Now.Add(-6 * time.Minute)
	z.Lines = append(z.Lines, world.Record(lost, "warn", "xds::client:xds{id=4}",
		`XDS client error: gRPC error status: Unavailable, message: "connection error: desc = \"transport is closing\"", retrying in 10ms`, ""))
	attempts := 24
	for i := range attempts {
		z.Lines = append(z.Lines, world.Record(lost.Add(time.Duration(i)*15*time.Second), "warn", fmt.Sprintf("xds::client:xds{id=%d}", 5+i),
			`XDS client connection error: gRPC connection error connecting to https://istiod.istio-system.svc:15012: status: Unknown, `+
				`message: "client error (Connect)", source: tcp connect error, retrying in 15s`, ""))
	}
	z.Ends["Error"], z.Ends["ConnectionError"] = 1, attempts
}

func plantUnacked(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickRunning(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	if !z.Connected || z.Rejected != "" {
		return world.Subject{}, plant.ErrNoSubject
	}
	for _, i := range m.Istiods {
		i.Unacked[z] = true
	}
	return z.Subject(), nil
}

func plantRejected(m *world.Mesh, z *world.Ztunnel) {
	z.Rejected = world.ClusterID + "//Pod/shop/broken: failed to parse address, had 3 bytes"
	at := m.Now.Add(-5 * time.Minute)
	z.Lines = append(z.Lines, world.Record(at, "error", "xds::client:xds{id=1}", "sending response",
		fmt.Sprintf("type_url=%q nonce=%q type=Nack error=%q", world.AddressType, world.Nonce(at, z.Pod.UID, "later"), z.Rejected)))
	for _, i := range m.Istiods {
		for n, other := range i.Proxies {
			if other == z {
				i.Lines = append(i.Lines, world.Record(at, "warn", "ads",
					fmt.Sprintf("ADS:WDS: ACK ERROR %s.%s-%d Internal:%s", z.Pod.Name, z.Pod.Namespace, n+1, z.Rejected), ""))
			}
		}
	}
}

func plantNotConnected(m *world.Mesh, z *world.Ztunnel) {
	plant.Drop(m, z)
}

func plantSkew(m *world.Mesh, _ string) (world.Subject, error) {
	newer := fmt.Sprintf("1.%d.0", m.Family.Minor+3)
	for _, i := range m.Istiods {
		i.Version = newer
		i.Pod.Container.Image = world.IstiodContainer(newer).Image
	}
	if m.Waypoint != nil {
		m.Waypoint.Version = newer // it was restarted since
	}
	return world.Subject{Kind: "deployment", Namespace: world.SystemNamespace, Name: "istiod"}, nil
}
