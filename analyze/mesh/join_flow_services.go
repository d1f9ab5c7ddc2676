package mesh

// joinFlowServices ties flows to the services that they call and to the workloads at their ends, and puts them in order.
func joinFlowServices(m *Mesh) {
	hosts := make(map[string]*Service, len(m.Services))
	for _, s := range m.Services {
		hosts[s.Hostname] = s
	}
	for _, f := range m.Flows {
		f.Called = hosts[f.Service]
		f.InReach = inReach(f)
		for _, p := range []*Peer{f.Source, f.Destination} {
			if p.Workload != nil {
				p.Workload.Flows = append(p.Workload.Flows, f)
			}
		}
	}
	sortFlows(m.Flows)
}
