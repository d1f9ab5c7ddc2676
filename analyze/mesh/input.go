package mesh

import "slices"

// Inputs of a mesh. Those of ztunnels, istiods and CNI agents are asked of
// each; a rule names what it needs and is undecided where it lacks it.
const (
	InputCaptureTime   = "captureTime"
	InputNamespaces    = "namespaces"
	InputNodes         = "nodes"
	InputPods          = "pods"
	InputServices      = "services"
	InputEndpoints     = "endpointSlices"
	InputDaemonSets    = "daemonSets"
	InputEvents        = "events"
	InputGateways      = "gateways"
	InputAuthorization = "authorizationPolicies"
	InputServiceEntry  = "serviceEntries"
	InputPeerAuth      = "peerAuthentications"
	InputGatewayClass  = "gatewayClasses"
	InputAccounts      = "serviceAccounts"
	InputZtunnelDump   = "ztunnel.dump"
	InputZtunnelLog    = "ztunnel.log"
	InputAccessLog     = "ztunnel.accessLog" // the log, with access lines at info switched on
	InputZtunnelMetric = "ztunnel.metrics"
	InputZtunnelReady  = "ztunnel.ready"
	InputConfigMaps    = "configMaps"
	InputNetworkPolicy = "networkPolicies" // of Kubernetes, Cilium and Calico
	InputDefinitions   = "customResourceDefinitions"
	InputFelix         = "felixConfigurations"
	InputVersion       = "component.version"
	InputCNILog        = "cni.log"
	InputCNIMetrics    = "cni.metrics"

	InputVirtualService  = "virtualServices"
	InputDestinationRule = "destinationRules"
	InputRoutes          = "routes" // all kinds of the Gateway API
	InputRequestAuth     = "requestAuthentications"
	InputWasmPlugin      = "wasmPlugins"
	InputTelemetry       = "telemetries"
	InputGatewayMetrics  = "gateway.metrics" // of waypoints and gateways, both looks
)

// Inputs lists every input that a rule's needs may name.
func Inputs() []string {
	return slices.Concat([]string{
		InputCaptureTime, InputNamespaces, InputNodes, InputPods, InputServices, InputEndpoints,
		InputDaemonSets, InputEvents, InputGateways, InputAuthorization, InputConfigMaps,
		InputServiceEntry, InputPeerAuth, InputGatewayClass, InputAccounts, InputNetworkPolicy, InputDefinitions, InputFelix, InputVersion,
		InputVirtualService, InputDestinationRule, InputRoutes, InputRequestAuth, InputWasmPlugin, InputTelemetry,
		InputGatewayMetrics,
		InputZtunnelDump, InputZtunnelLog, InputAccessLog, InputZtunnelMetric, InputZtunnelReady,
	}, istiodInputs(), []string{InputCNILog, InputCNIMetrics})
}
