package fault

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func versionFaults() []Fault {
	return []Fault{
		{"skew-cni-ztunnel", "one node's istio-cni is three minor versions behind its ztunnel", showing(plant.PickZtunnel, plantAgentSkew)},
		{"skew-across-ztunnels", "one ztunnel runs another patch, and no roll-out is under way", showing(plant.PickZtunnel, plantPatchSkew)},
		{"known-bug", "istiod has a bug that services with publishNotReadyAddresses meet", plantKnownBug},
		{"metrics-fd-negative", "a ztunnel counts its open files below zero", on(plant.PickZtunnel, plantNegativeCount)},
	}
}

// downgrade has all of the mesh run an older version.
func downgrade(m *world.Mesh, version string) error {
	f, err := world.FamilyOf(version)
	if err != nil {
		return err
	}
	plant.EachContainer(m, func(c *world.ContainerModel) { c.Image = strings.Replace(c.Image, m.Version, version, 1) })
	for _, n := range m.Nodes {
		if n.Ztunnel != nil {
			n.Ztunnel.Version, n.Ztunnel.Family = version, f
		}
	}
	for _, i := range m.Istiods {
		i.Version = version
	}
	if m.Waypoint != nil {
		m.Waypoint.Version = version
	}
	m.Version, m.Family = version, f
	return nil
}

func plantAgentSkew(m *world.Mesh, z *world.Ztunnel) world.Subject {
	c := &z.Node.CNI.Pod.Container
	c.Image = strings.Replace(c.Image, m.Version, fmt.Sprintf("1.%d.0", m.Family.Minor-3), 1)
	return world.Subject{Kind: "node", Name: z.Node.Name, Node: z.Node.Name}
}

func plantPatchSkew(m *world.Mesh, z *world.Ztunnel) world.Subject {
	other := fmt.Sprintf("1.%d.99", m.Family.Minor)
	z.Pod.Container.Image = strings.Replace(z.Pod.Container.Image, z.Version, other, 1)
	z.Version = other
	return world.Subject{Kind: "mesh", Name: world.ContextName}
}

// plantKnownBug is healthPolicy AllowAll leaking to other services, fixed in 1.30.1.
func plantKnownBug(m *world.Mesh, _ string) (world.Subject, error) {
	version := fmt.Sprintf("1.%d.0", m.Family.Minor)
	for _, i := range m.Istiods {
		i.Pod.Container.Image = strings.Replace(i.Pod.Container.Image, i.Version, version, 1)
		i.Version = version
	}
	of := m.Services[len(m.Services)-1]
	if m.Waypoint != nil && of == m.Waypoint.Service {
		of = m.Services[len(m.Services)-2] // another fault may take the waypoint away
	}
	m.Amend = append(m.Amend, func(o world.Stored) {
		if s, ok := o.Object.(*corev1.Service); ok && s.Namespace == of.Namespace && s.Name == of.Name {
			s.Spec.PublishNotReadyAddresses = true
		}
	})
	return world.Subject{Kind: "component", Name: "istiod " + version}, nil
}

func plantNegativeCount(m *world.Mesh, z *world.Ztunnel) {
	z.Rewrite = plant.NegativeCount
}
