package istio

// Labels of pods, services, namespaces and Gateways (istio/api label/labels.yaml; gateway-api GEP-1762).
const (
	AppLabel                  = "app"
	KubernetesAppLabel        = "k8s-app"
	NameLabel                 = "app.kubernetes.io/name"
	IstioLabel                = "istio" // "pilot", or which of the gateways of the charts
	RevisionLabel             = "istio.io/rev"
	InjectionLabel            = "istio-injection"
	DataplaneModeLabel        = "istio.io/dataplane-mode"
	UseWaypointLabel          = "istio.io/use-waypoint"
	UseWaypointNamespaceLabel = "istio.io/use-waypoint-namespace"
	WaypointForLabel          = "istio.io/waypoint-for"
	GlobalLabel               = "istio.io/global"
	NetworkLabel              = "topology.istio.io/network"
	TLSModeLabel              = "security.istio.io/tlsMode"
	UninitializedLabel        = "cni.istio.io/uninitialized"
	GatewayNameLabel          = "gateway.networking.k8s.io/gateway-name"
	ManagedGatewayLabel       = "gateway.istio.io/managed" // its controller, with "-" for "/"
)

// Values of labels.
const (
	CNINodeApp      = "istio-cni-node" // of KubernetesAppLabel
	EastWestGateway = "eastwestgateway"
	ModeAmbient     = "ambient" // of DataplaneModeLabel
	ModeNone        = "none"    // of DataplaneModeLabel and UseWaypointLabel
)

// Annotations (istio/api annotation/annotations.yaml).
const (
	RedirectionAnnotation   = "ambient.istio.io/redirection"
	BypassInboundAnnotation = "ambient.istio.io/bypass-inbound-capture"
	DNSCaptureAnnotation    = "ambient.istio.io/dns-capture"
	InjectAnnotation        = "sidecar.istio.io/inject" // a label too
	SidecarStatusAnnotation = "sidecar.istio.io/status"
	DryRunAnnotation        = "istio.io/dry-run"
)

// RedirectionEnabled is the value of RedirectionAnnotation by which istio-cni
// marks a pod whose traffic goes through ztunnel.
const RedirectionEnabled = "enabled"
