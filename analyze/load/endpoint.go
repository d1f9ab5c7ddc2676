package load

import "github.com/zbundle/zbundle/analyze/mesh"

// countEndpoints counts the pods among the endpoints of each Service.
func (l *objectReader) countEndpoints() {
	services := make(map[string]*mesh.Service, len(l.mesh.Services))
	for _, s := range l.mesh.Services {
		services[s.Namespace+"/"+s.Name] = s
	}
	for _, slice := range l.slices {
		s := services[slice.Metadata.Namespace+"/"+slice.Metadata.Labels["kubernetes.io/service-name"]]
		if s == nil {
			continue
		}
		for _, e := range slice.Endpoints {
			if e.TargetRef == nil || e.TargetRef.Kind != "Pod" {
				continue
			}
			s.Endpoints++
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				s.ReadyEndpoints++
			}
		}
	}
	l.slices = nil
}
