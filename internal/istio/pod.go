package istio

import (
	"slices"
	"strings"
)

// Pod is what of a pod, or of a template of pods, tells which part of the mesh it is.
type Pod struct {
	Name       string // counts only where nothing else is known
	Labels     map[string]string
	Containers []Container
}

// Container is one of its containers.
type Container struct {
	Name string
	Args []string
}

// Component tells which part of the mesh a pod is, "" for none: by what it
// runs and by its labels, since installations name namespaces and DaemonSets
// as they like. Which container serves and logs is told with it.
//
// A gateway of another implementation may be known by its Gateway alone:
// GatewayObject.Component.
func (p Pod) Component() (component, container string) {
	switch {
	case p.ciliums():
		return "", ""
	case p.Labels[AppLabel] == Ztunnel, p.runs(ProxyContainer, "proxy", "ztunnel"), p.Labels[NameLabel] == Ztunnel && p.runs(ProxyContainer):
		return Ztunnel, p.container(ProxyContainer)
	case p.Labels[KubernetesAppLabel] == CNINodeApp, p.runs(CNIContainer):
		return CNI, p.container(CNIContainer)
	case p.Labels[AppLabel] == Istiod, p.runs(DiscoveryContainer, "discovery"):
		return Istiod, p.container(DiscoveryContainer)
	case p.runs(ProxyContainer, "proxy", "waypoint"), p.managedBy(waypointControllers...):
		return Waypoint, p.container(ProxyContainer)
	case p.managedBy(gatewayControllers...), p.runs(ProxyContainer, "proxy", "router"), p.Labels[GatewayNameLabel] != "" && p.runs(ProxyContainer),
		slices.Contains([]string{"ingressgateway", "egressgateway", EastWestGateway}, p.Labels[IstioLabel]):
		return Gateway, p.container(ProxyContainer)
	case len(p.Labels) == 0 && len(p.Containers) == 0:
		return p.byName()
	}
	return "", ""
}

// ciliums is true of Cilium's own ztunnel, which is not Istio's.
func (p Pod) ciliums() bool {
	const name = "ztunnel-cilium"
	return p.Labels[AppLabel] == name || p.Labels[KubernetesAppLabel] == name || p.Labels[NameLabel] == name
}

// byName goes by the names that DaemonSets of the charts give their pods.
func (p Pod) byName() (component, container string) {
	switch {
	case strings.HasPrefix(p.Name, "ztunnel-"):
		return Ztunnel, ProxyContainer
	case strings.HasPrefix(p.Name, CNINodeApp+"-"):
		return CNI, CNIContainer
	}
	return "", ""
}

// runs tells whether a container of that name has these arguments before any other.
func (p Pod) runs(container string, args ...string) bool {
	return slices.ContainsFunc(p.Containers, func(c Container) bool {
		return c.Name == container && len(c.Args) >= len(args) && slices.Equal(c.Args[:len(args)], args)
	})
}

// managedBy tells whether the pod belongs to a Gateway that one of these controllers deploys.
func (p Pod) managedBy(controllers ...string) bool {
	managed := p.Labels[ManagedGatewayLabel]
	return slices.ContainsFunc(controllers, func(c string) bool {
		return managed != "" && managed == strings.ReplaceAll(c, "/", "-")
	})
}

// container is the one of that name, else the first.
func (p Pod) container(name string) string {
	if p.runs(name) || len(p.Containers) == 0 {
		return name
	}
	return p.Containers[0].Name
}
