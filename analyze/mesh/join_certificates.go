package mesh

import (
	"cmp"
	"slices"
)

// joinCertificates judges every certificate at the capture's time, and finds
// which identities each ztunnel needs for the pods of its own node.
func joinCertificates(m *Mesh) {
	for _, z := range m.Ztunnels {
		for _, c := range z.Certificates {
			c.Ztunnel = z
			c.signers = m.Istiods
			judgeCertificate(m, c)
			m.Certificates = append(m.Certificates, c)
		}
		if z.HasDump {
			m.LocalIdentities = append(m.LocalIdentities, localIdentities(m, z)...)
		}
	}
	joinRoots(m)
}

func judgeCertificate(m *Mesh, c *Certificate) {
	if !c.HasLeaf {
		return
	}
	c.LifetimeSeconds = c.NotAfter.Sub(c.NotBefore).Seconds()
	c.LeftSeconds = c.NotAfter.Sub(m.Captured).Seconds()
	if c.LifetimeSeconds > 0 {
		c.LeftShare = c.LeftSeconds / c.LifetimeSeconds
	}
	c.EarlySeconds = max(0, c.NotBefore.Sub(m.Captured).Seconds())
}

// localIdentities follows ztunnel's cert_fetcher.rs: certificates are fetched
// for HBONE workloads of the local node only.
func localIdentities(m *Mesh, z *Ztunnel) []*LocalIdentity {
	by := map[string]*LocalIdentity{}
	if z.Node != nil {
		for _, p := range z.Node.AmbientPods {
			if !p.Enrolled {
				continue
			}
			l := by[p.Identity]
			if l == nil {
				l = &LocalIdentity{Identity: p.Identity, Ztunnel: z, signers: m.Istiods}
				by[p.Identity] = l
			}
			l.Pods = append(l.Pods, p)
			l.OldestSeconds = max(l.OldestSeconds, p.AgeSeconds)
		}
	}
	held := map[string][]*Certificate{}
	for _, c := range z.Certificates {
		held[c.Identity] = append(held[c.Identity], c)
	}
	out := make([]*LocalIdentity, 0, len(by))
	for _, id := range sortedKeys(by) {
		l := by[id]
		if cs := held[id]; len(cs) > 0 {
			l.Certificate = slices.MaxFunc(cs, func(a, b *Certificate) int { return cmp.Compare(standing(a), standing(b)) })
		}
		for _, c := range held[id] {
			c.NeededBy = l.Pods
		}
		out = append(out, l)
	}
	return out
}

func standing(c *Certificate) int {
	switch c.State {
	case "Available":
		return 2
	case "Initializing":
		return 1
	default:
		return 0
	}
}

// joinRoots gathers the trust roots and finds groups of ztunnels that share none.
func joinRoots(m *Mesh) {
	by := map[string]*Root{}
	for _, c := range m.Certificates {
		for _, fp := range c.Roots {
			r := by[fp]
			if r == nil {
				r = &Root{Fingerprint: fp, Source: c.Source}
				by[fp] = r
			}
			r.Identities++
			if n := len(r.Ztunnels); n == 0 || r.Ztunnels[n-1] != c.Ztunnel {
				r.Ztunnels = append(r.Ztunnels, c.Ztunnel)
			}
		}
	}
	var top *Root
	for _, fp := range sortedKeys(by) {
		r := by[fp]
		if k, ok := m.rootFacts[fp]; ok {
			r.Name, r.NotAfter = k.Name, k.NotAfter
			r.LeftSeconds = r.NotAfter.Sub(m.Captured).Seconds()
		}
		m.Roots = append(m.Roots, r)
		if top == nil || r.Identities > top.Identities {
			top = r
		}
	}
	if top == nil {
		return
	}
	top.Majority = true
	for _, c := range m.Certificates {
		if len(c.Roots) == 0 || slices.Contains(c.Roots, top.Fingerprint) {
			continue
		}
		// Without a common root neither end can verify the other.
		for _, fp := range c.Roots {
			by[fp].Isolated = append(by[fp].Isolated, c)
		}
	}
}
