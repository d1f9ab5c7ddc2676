package load

import (
	"cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// serviceEntryObject is a ServiceEntry (istio/api networking/v1).
type serviceEntryObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Hosts      []string `json:"hosts"`
		Addresses  []string `json:"addresses"`
		Resolution string   `json:"resolution"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
		Addresses  []struct {
			Value string `json:"value"`
		} `json:"addresses"`
	} `json:"status"`
}

func addServiceEntry(m *mesh.Mesh, o serviceEntryObject, at mesh.Evidence) {
	e := &mesh.ServiceEntry{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Labels: o.Metadata.Labels, Created: o.Metadata.CreationTimestamp,
		Hosts: o.Spec.Hosts, Addresses: o.Spec.Addresses, Resolution: cmp.Or(o.Spec.Resolution, "NONE"),
		Conditions: conditions(o.Status.Conditions), Source: at,
	}
	for _, a := range o.Status.Addresses {
		e.Addresses = append(e.Addresses, a.Value)
	}
	m.ServiceEntries = append(m.ServiceEntries, e)
}
