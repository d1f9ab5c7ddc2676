package mesh

import "strings"

// joinServices adds to the Services that Kubernetes has what istiod and the ztunnels hold.
func joinServices(m *Mesh) {
	held := planeOf(m.Ztunnels, func(z *Ztunnel) *ServiceSet { return z.Services })
	for _, key := range sortedKeys(held.keys()) {
		held.each(key, func(spec *ServiceSpec, zs []*Ztunnel) {
			if spec != nil {
				serviceOf(m, key, spec).holds(held, spec, zs)
			}
		})
	}
	for _, i := range m.Istiods {
		if i.Services == nil {
			continue
		}
		for _, key := range sortedKeys(i.Services.Specs) {
			serviceOf(m, key, i.Services.Specs[key]).InIstiod = true
		}
	}
	for _, s := range m.Services {
		held.each(s.Namespace+"/"+s.Hostname, func(spec *ServiceSpec, zs []*Ztunnel) {
			if spec == nil {
				s.MissingFrom = held.join(s.MissingFrom, zs)
			}
		})
		useWaypoint(m, s)
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

// holds adds what some ztunnels hold of the service.
func (s *Service) holds(held *plane[ServiceSpec], spec *ServiceSpec, zs []*Ztunnel) {
	s.Held = held.join(s.Held, zs)
	first := len(s.Empty) == 0
	if spec.Endpoints == 0 {
		s.Empty = held.join(s.Empty, zs)
	}
	if s.ZtunnelSource.File == "" || spec.Endpoints == 0 && first {
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

func serviceOf(m *Mesh, key string, spec *ServiceSpec) *Service {
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
