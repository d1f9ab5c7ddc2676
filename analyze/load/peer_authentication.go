package load

import (
	"cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// peerAuthObject is a PeerAuthentication (istio/api security/v1).
type peerAuthObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Selector *selectorObject `json:"selector"`
		MTLS     struct {
			Mode string `json:"mode"`
		} `json:"mtls"`
		PortLevelMTLS map[string]struct {
			Mode string `json:"mode"`
		} `json:"portLevelMtls"`
	} `json:"spec"`
}

func addPeerAuthentication(m *mesh.Mesh, o peerAuthObject, at mesh.Evidence) {
	p := &mesh.PeerAuth{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Created: o.Metadata.CreationTimestamp,
		Mode: cmp.Or(o.Spec.MTLS.Mode, "UNSET"), PortModes: map[string]string{}, Selector: o.Spec.Selector.labels(), Source: at,
	}
	for port, mtls := range o.Spec.PortLevelMTLS {
		p.PortModes[port] = cmp.Or(mtls.Mode, "UNSET")
	}
	m.PeerAuthentications = append(m.PeerAuthentications, p)
}
