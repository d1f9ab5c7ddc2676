package mesh

import (
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// joinIdentity decides trust domain and cluster id where istiod did not say.
func joinIdentity(m *Mesh) {
	if m.TrustDomain == "" {
		m.TrustDomain = most(m.Ztunnels, "cluster.local", func(z *Ztunnel) []string {
			var tds []string
			for _, c := range z.Certificates {
				if rest, ok := strings.CutPrefix(c.Identity, "spiffe://"); ok {
					td, _, _ := strings.Cut(rest, "/")
					tds = append(tds, td)
				}
			}
			return tds
		})
	}
	if m.ClusterID == "" {
		m.ClusterID = most(m.Ztunnels, "Kubernetes", func(z *Ztunnel) []string { return []string{z.ClusterID} })
	}
	m.Network = ownNetwork(m.Ztunnels)
	if m.RootNamespace == "" {
		m.RootNamespace = istio.SystemNamespace
	}
}

// ownNetwork is the network that most ztunnels are set up for.
func ownNetwork(zs []*Ztunnel) string {
	counts := map[string]int{}
	for _, z := range zs {
		if z.HasDump {
			counts[z.Network]++
		}
	}
	own := ""
	for _, name := range sortedKeys(counts) {
		if counts[name] > counts[own] {
			own = name
		}
	}
	return own
}

// most is the value named most often, or otherwise.
func most(zs []*Ztunnel, otherwise string, values func(*Ztunnel) []string) string {
	counts := map[string]int{}
	for _, z := range zs {
		for _, v := range values(z) {
			if v != "" {
				counts[v]++
			}
		}
	}
	best := otherwise
	for _, v := range sortedKeys(counts) {
		if counts[v] > counts[best] {
			best = v
		}
	}
	return best
}

func (m *Mesh) spiffe(ns, sa string) string {
	if sa == "" {
		sa = "default"
	}
	return "spiffe://" + m.TrustDomain + "/ns/" + ns + "/sa/" + sa
}
