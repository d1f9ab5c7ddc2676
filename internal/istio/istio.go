// Package istio says by what the parts of a mesh are known: the labels,
// annotations, arguments, containers and ports that make a pod a ztunnel, an
// istiod, an agent of istio-cni, a waypoint or a gateway, and what makes a
// Gateway a waypoint. Whoever has to tell them apart, in the cluster, in a
// bundle or in an archive of another tool, asks here.
package istio

// Components are the parts of a mesh that run as pods.
const (
	Ztunnel  = "ztunnel"
	Istiod   = "istiod"
	CNI      = "istio-cni"
	Waypoint = "waypoint"
	Gateway  = "gateway" // any other: of ingress, of egress, between networks
)

// Containers of the components that are named alike in every installation.
const (
	ProxyContainer     = "istio-proxy" // of ztunnels, and of waypoints and gateways that are Envoys
	DiscoveryContainer = "discovery"
	CNIContainer       = "install-cni"
)

// Names of objects that every installation has.
const (
	SystemNamespace   = "istio-system" // unless it was installed elsewhere
	MeshConfigMap     = "istio"        // "istio-<revision>" of a revision
	CNIConfigMap      = "istio-cni-config"
	RootCertConfigMap = "istio-ca-root-cert"
)

// Variables that istiod and the agents are set up by.
const RevisionVariable = "REVISION"
