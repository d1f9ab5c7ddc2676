package sim

import (
	"fmt"
	"time"
)

func controlFaults() []Fault {
	return []Fault{
		{"xds-cannot-connect", "a ztunnel lost istiod and can't connect again", on((*mesh).pickZtunnel, plantDisconnected)},
		{"xds-unacked", "a ztunnel doesn't acknowledge what istiod sent it", plantUnacked},
		{"xds-nack", "a ztunnel rejects a resource that istiod sent it", on((*mesh).pickZtunnel, plantRejected)},
		{"ztunnel-not-in-syncz", "no istiod has a ztunnel connected", on((*mesh).pickRunning, plantNotConnected)},
		{"skew-ztunnel-istiod", "istiod is three minor versions ahead of the ztunnels", plantSkew},
	}
}

func plantDisconnected(m *mesh, z *ztunnel) {
	m.drop(z)
	lost := m.now.Add(-6 * time.Minute)
	z.lines = append(z.lines, record(lost, "warn", "xds::client:xds{id=4}",
		`XDS client error: gRPC error status: Unavailable, message: "connection error: desc = \"transport is closing\"", retrying in 10ms`, ""))
	attempts := 24
	for i := range attempts {
		z.lines = append(z.lines, record(lost.Add(time.Duration(i)*15*time.Second), "warn", fmt.Sprintf("xds::client:xds{id=%d}", 5+i),
			`XDS client connection error: gRPC connection error connecting to https://istiod.istio-system.svc:15012: status: Unknown, `+
				`message: "client error (Connect)", source: tcp connect error, retrying in 15s`, ""))
	}
	z.ends["Error"], z.ends["ConnectionError"] = 1, attempts
}

func plantUnacked(m *mesh, arg string) (Subject, error) {
	z, err := m.pickRunning(arg)
	if err != nil {
		return Subject{}, err
	}
	if !z.connected || z.rejected != "" {
		return Subject{}, ErrNoSubject
	}
	for _, i := range m.istiods {
		i.unacked[z] = true
	}
	return z.subject(), nil
}

func plantRejected(m *mesh, z *ztunnel) {
	z.rejected = clusterID + "//Pod/shop/broken: failed to parse address, had 3 bytes"
	at := m.now.Add(-5 * time.Minute)
	z.lines = append(z.lines, record(at, "error", "xds::client:xds{id=1}", "sending response",
		fmt.Sprintf("type_url=%q nonce=%q type=Nack error=%q", addressType, nonce(at, z.pod.uid, "later"), z.rejected)))
	for _, i := range m.istiods {
		for n, other := range i.proxies {
			if other == z {
				i.lines = append(i.lines, record(at, "warn", "ads",
					fmt.Sprintf("ADS:WDS: ACK ERROR %s.%s-%d Internal:%s", z.pod.name, z.pod.namespace, n+1, z.rejected), ""))
			}
		}
	}
}

func plantNotConnected(m *mesh, z *ztunnel) {
	m.drop(z)
}

func plantSkew(m *mesh, _ string) (Subject, error) {
	newer := fmt.Sprintf("1.%d.0", m.family.minor+3)
	for _, i := range m.istiods {
		i.version = newer
		i.pod.container.image = istiodContainer(newer).image
	}
	if m.waypoint != nil {
		m.waypoint.version = newer // it was restarted since
	}
	return Subject{Kind: "deployment", Namespace: systemNamespace, Name: "istiod"}, nil
}
