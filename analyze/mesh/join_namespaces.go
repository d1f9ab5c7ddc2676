package mesh

import "github.com/zbundle/zbundle/internal/istio"

// joinNamespaces tells which are labelled as ambient.
func joinNamespaces(m *Mesh) {
	for _, n := range m.Namespaces {
		n.Ambient = n.Labels[istio.DataplaneModeLabel] == istio.ModeAmbient
	}
}
