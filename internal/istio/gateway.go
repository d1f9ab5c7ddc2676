package istio

import "slices"

// Controllers of GatewayClasses (istio/istio pkg/config/constants). Each
// deploys the Gateways of the classes that name it, Envoys or not.
const (
	MeshController                 = "istio.io/mesh-controller"
	AgentgatewayWaypointController = "istio.io/agentgateway-waypoint-controller"
	GatewayController              = "istio.io/gateway-controller"
	AgentgatewayController         = "istio.io/agentgateway-controller"
	EastWestController             = "istio.io/eastwest-controller"
	UnmanagedController            = "istio.io/unmanaged-gateway"
)

var (
	waypointControllers = []string{MeshController, AgentgatewayWaypointController}
	gatewayControllers  = []string{GatewayController, AgentgatewayController, EastWestController, UnmanagedController}
)

// Classes of Gateways that istiod brings.
const (
	GatewayClass              = "istio"
	RemoteClass               = "istio-remote"
	WaypointClass             = "istio-waypoint"
	EastWestClass             = "istio-east-west"
	AgentgatewayClass         = "istio-agentgateway"
	AgentgatewayWaypointClass = "istio-agentgateway-waypoint"
)

// controllerOf is the controller of a class that istiod brings: its
// GatewayClass need not have been seen.
func controllerOf(class string) string {
	switch class {
	case GatewayClass:
		return GatewayController
	case RemoteClass:
		return UnmanagedController
	case WaypointClass:
		return MeshController
	case EastWestClass:
		return EastWestController
	case AgentgatewayClass:
		return AgentgatewayController
	case AgentgatewayWaypointClass:
		return AgentgatewayWaypointController
	}
	return ""
}

// GatewayObject is what of a Gateway, and of what refers to it, tells which part of the mesh its pods are.
type GatewayObject struct {
	Class      string
	Controller string   // of its GatewayClass, "" where that is not known
	Protocols  []string // of its listeners
	// Referred is true where UseWaypointLabel of anything names it.
	Referred bool
}

// Component tells which part of the mesh a Gateway's pods are, "" for a
// gateway that is none. Istio's own controllers say it; of any other
// implementation, that it takes HBONE, or that traffic is bound to it.
func (g GatewayObject) Component() string {
	known := []string{g.Controller, controllerOf(g.Class)}
	isOneOf := func(controllers []string) bool {
		return slices.ContainsFunc(known, func(c string) bool { return slices.Contains(controllers, c) })
	}
	switch {
	case isOneOf(waypointControllers):
		return Waypoint
	case isOneOf(gatewayControllers):
		return Gateway
	case g.Referred, slices.Contains(g.Protocols, HBONEProtocol), slices.Contains(g.Protocols, ProxyProtocolListenerType):
		return Waypoint
	}
	return ""
}
