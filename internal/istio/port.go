package istio

// Ports that ztunnel listens on (istio/ztunnel src/config.rs): the first four
// in the network namespace of each captured pod, the others on its own address
// or, for AdminPort, on loopback.
const (
	ZtunnelOutboundPort       = 15001
	ZtunnelInboundPort        = 15006 // of what is not HBONE
	HBONEPort                 = 15008
	ZtunnelDNSPort            = 15053
	ZtunnelAdminPort          = 15000
	StatsPort                 = 15020 // of waypoints and gateways too
	ReadinessPort             = 15021 // of waypoints and gateways too
	EnvoyStatsPort            = 15090
	CrossNetworkPort          = 15443 // of east-west gateways, for sidecars
	IstiodPlaintextPort       = 15010
	IstiodXDSPort             = 15012
	IstiodMonitoringPort      = 15014 // metrics, version and /debug
	IstiodReadinessPort       = 8080
	CNIMonitoringPort         = 15014
	CNIReadinessPort          = 8000
	HBONEProtocol             = "HBONE"          // of a Gateway's listener
	ProxyProtocolListenerType = "istio.io/PROXY" // of a waypoint whose own pod is captured
)
