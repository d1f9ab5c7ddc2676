package sim

func accessFaults() []Fault {
	return []Fault{
		{"no-portforward", "the user may not open port-forwards", plantDenial(denial{resource: "pods", subresource: "portforward"})},
		{"no-logs", "the user may not read logs", plantDenial(denial{resource: "pods", subresource: "log"})},
		{"ztunnel-hangs", "a ztunnel's ports accept connections and never answer", on((*mesh).pickZtunnel, plantHang)},
	}
}

func plantDenial(d denial) planter {
	return func(m *mesh, _ string) (Subject, error) {
		m.denied = append(m.denied, d)
		return Subject{Kind: "user", Name: clusterUser}, nil
	}
}

func plantHang(m *mesh, z *ztunnel) {
	z.hangs = true
}
