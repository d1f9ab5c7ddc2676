package sim

func accessFaults() []Fault {
	return []Fault{
		{"no-portforward", "the user may not open port-forwards", plantDenial(denial{resource: "pods", subresource: "portforward"})},
		{"no-logs", "the user may not read logs", plantDenial(denial{resource: "pods", subresource: "log"})},
		{"ztunnel-hangs", "a ztunnel's ports accept connections and never answer", plantHang},
	}
}

func plantDenial(d denial) func(*mesh, string) (Subject, error) {
	return func(m *mesh, _ string) (Subject, error) {
		m.denied = append(m.denied, d)
		return Subject{Kind: "user", Name: clusterUser}, nil
	}
}

func plantHang(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	z.hangs = true
	return z.subject(), nil
}
