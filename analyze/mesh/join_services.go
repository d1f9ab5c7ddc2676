package mesh

import "strings"

// joinServices adds to the Services that Kubernetes has what istiod and the ztunnels hold.
func (m *Mesh) joinServices() {
	for _, s := range m.Services {
		m.index.services[s.Namespace+"/"+s.Hostname] = s
	}
	views := group(m.Ztunnels, func(z *Ztunnel) (*ServiceSet, bool) { return z.Services, z.Services != nil })
	for _, set := range views.sets {
		for _, key := range sortedKeys(set.Specs) {
			spec := set.Specs[key]
			s := m.service(key, spec)
			s.Held = append(s.Held, views.by[set]...)
			if spec.Endpoints == 0 {
				s.Empty = append(s.Empty, views.by[set]...)
			}
			if s.ZtunnelSource.File == "" || spec.Endpoints == 0 && len(s.Empty) == len(views.by[set]) {
				s.ZtunnelSource = spec.Source
			}
			if len(s.VIPs) == 0 {
				s.VIPs = spec.VIPs
			}
			if s.Waypoint == "" {
				s.Waypoint = spec.Waypoint
			}
			s.LBMode, s.LBPreferences, s.HealthPolicy = spec.LBMode, spec.Preferences, spec.HealthPolicy
		}
	}
	for _, i := range m.Istiods {
		if i.Services == nil {
			continue
		}
		for _, key := range sortedKeys(i.Services.Specs) {
			m.service(key, i.Services.Specs[key]).InIstiod = true
		}
	}
	for _, s := range m.Services {
		for _, set := range views.sets {
			if set.Specs[s.Namespace+"/"+s.Hostname] == nil {
				s.MissingFrom = append(s.MissingFrom, views.by[set]...)
			}
		}
		m.useWaypoint(s)
	}
	for _, w := range m.Workloads {
		if w.Spec == nil {
			continue
		}
		for _, key := range w.Spec.Services {
			if s := m.index.services[key]; s != nil {
				s.Workloads = append(s.Workloads, w)
			}
		}
	}
}

func (m *Mesh) service(key string, spec *ServiceSpec) *Service {
	if s := m.index.services[key]; s != nil {
		return s
	}
	name := spec.Name
	if name == "" {
		name, _, _ = strings.Cut(spec.Hostname, ".")
	}
	s := &Service{Namespace: spec.Namespace, Name: name, Hostname: spec.Hostname, VIPs: spec.VIPs}
	m.index.services[key] = s
	m.Services = append(m.Services, s)
	return s
}
