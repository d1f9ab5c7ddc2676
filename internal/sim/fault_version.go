package sim

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func versionFaults() []Fault {
	return []Fault{
		{"skew-cni-ztunnel", "one node's istio-cni is three minor versions behind its ztunnel", showing((*mesh).pickZtunnel, plantAgentSkew)},
		{"skew-across-ztunnels", "one ztunnel runs another patch, and no roll-out is under way", showing((*mesh).pickZtunnel, plantPatchSkew)},
		{"known-bug", "istiod has a bug that services with publishNotReadyAddresses meet", plantKnownBug},
		{"metrics-fd-negative", "a ztunnel counts its open files below zero", on((*mesh).pickZtunnel, plantNegativeCount)},
	}
}

// downgrade has all of the mesh run an older version.
func (m *mesh) downgrade(version string) error {
	f, err := familyOf(version)
	if err != nil {
		return err
	}
	m.eachContainer(func(c *containerModel) { c.image = strings.Replace(c.image, m.version, version, 1) })
	for _, n := range m.nodes {
		if n.ztunnel != nil {
			n.ztunnel.version, n.ztunnel.family = version, f
		}
	}
	for _, i := range m.istiods {
		i.version = version
	}
	if m.waypoint != nil {
		m.waypoint.version = version
	}
	m.version, m.family = version, f
	return nil
}

func plantAgentSkew(m *mesh, z *ztunnel) Subject {
	c := &z.node.cni.pod.container
	c.image = strings.Replace(c.image, m.version, fmt.Sprintf("1.%d.0", m.family.minor-3), 1)
	return Subject{Kind: "node", Name: z.node.name, Node: z.node.name}
}

func plantPatchSkew(m *mesh, z *ztunnel) Subject {
	other := fmt.Sprintf("1.%d.99", m.family.minor)
	z.pod.container.image = strings.Replace(z.pod.container.image, z.version, other, 1)
	z.version = other
	return Subject{Kind: "mesh", Name: contextName}
}

// plantKnownBug is healthPolicy AllowAll leaking to other services, fixed in 1.30.1.
func plantKnownBug(m *mesh, _ string) (Subject, error) {
	version := fmt.Sprintf("1.%d.0", m.family.minor)
	for _, i := range m.istiods {
		i.pod.container.image = strings.Replace(i.pod.container.image, i.version, version, 1)
		i.version = version
	}
	of := m.services[len(m.services)-1]
	if m.waypoint != nil && of == m.waypoint.service {
		of = m.services[len(m.services)-2] // another fault may take the waypoint away
	}
	m.amend = append(m.amend, func(o stored) {
		if s, ok := o.object.(*corev1.Service); ok && s.Namespace == of.namespace && s.Name == of.name {
			s.Spec.PublishNotReadyAddresses = true
		}
	})
	return Subject{Kind: "component", Name: "istiod " + version}, nil
}

func plantNegativeCount(m *mesh, z *ztunnel) {
	z.rewrite = negativeCount
}
