package pseudonym

import (
	_ "embed"
	"strings"
)

// meshNames are kept, and so is each of them at the beginning of a longer
// name, before "-": by them people and rules know the mesh's own parts.
const meshNames = `
istio istiod ztunnel waypoint istio-system istio-cni istio-cni-node istio-proxy istio-ingress istio-ingressgateway istio-egressgateway
istio-eastwestgateway istio-gateway istio-waypoint istio-remote istio-eastwest istio-reader-service-account istio-ca-root-cert istio-ca-secret
istio-csr cert-manager cert-manager-istio-csr spire spire-server aws-node cilium-agent calico-node kube-apiserver
istio-cni-config cilium-config install-cni cluster-local kube-system kube-public kube-node-lease kube-dns kube-proxy kubernetes coredns cilium calico
`

// keptWords are kept where they are the whole of a name, or of a part of it
// between dots: what the analyzer reads in logs, answers and labels by its
// words, and what names of hosts and objects are put together with.
const keptWords = `
cluster local svc pod pods node nodes ns sa spiffe localhost com org net io dev internal global app apps k8s api
default discovery ambient none all true false enabled disabled enable disable latest stable unknown any
TCP UDP HTTP HTTPS HTTP2 GRPC TLS HBONE PROXY tcp udp http https http2 grpc tls mtls hbone proxy dns xds http1 h2 h2c
Kubernetes Pod Node Service Deployment DaemonSet ReplicaSet StatefulSet Job CronJob ServiceAccount Namespace ServiceEntry WorkloadEntry
WorkloadGroup AuthorizationPolicy PeerAuthentication Gateway GatewayClass HTTPRoute GRPCRoute TCPRoute TLSRoute
deployment daemonset replicaset statefulset job cronjob service linux amd64 arm64
io-mesh-controller io-gateway-controller io-eastwest-controller mesh-controller gateway-controller eastwest-controller unmanaged-gateway
O CN OU C L ST SERIALNUMBER
AddrInUse CNI CONNECT CRL Connect Connection Failed IP Istio LOG Nack NetworkPolicy POD PermissionDenied REVISION RUST SAN SanError
SanTrustDomainError Stream Succeeded UID Unauthenticated XDS about access address addresses agent allowed available before blocking broken by
call cannot capturing certificate change client close closed closing cni configured connect connected connection connections converted cut data
deadline debug delete denied destination did differ disconnected distroless does drain draining due dump duration elapsed ended eof error
established expected expired explicitly failed failing fetch for found gateway had handling handshake has healthy hostname identity image
impersonation in inbound incompatible info information inpod install invalid ip iptables is it left level line log lookup lost manager match
maxed maybe mesh method metrics mismatch more msg multiple mutual name namespace network never new no not notify number of off one opened or os
other others ourselves out outbound over peer pending period pipe policy pool port present previous principal process q read readiness ready
receive received reconciled recursive refused rejected rejection renewal reporter request reset resolve resolved response restore retry retrying
revoked routing rules san scope security send sending series server service short signal signing source start starting state static status
streams strict target than that the time timed timeout times to total trace fatal txt type uid untrusted update upgrade upstream url valid
verification version waiting warn warning were which while will without workload workloads services policies mutual_tls complete
panic WDS WADS ADS EDS CDS LDS PUSH concurrent map writes CERTIFICATE_VERIFY_FAILED cert currently close_notify stream longer needed add message
was pruned deduplication world host protocol announcement alert
istio_converted_static_strict RUST_LOG fargate config_dump unavailable
Healthy Unhealthy Available Initializing Unavailable Standard HostNetwork Normal Warning Running Ready
`

//go:embed words.txt
var messageWords string

// vocabulary tells what is kept.
type vocabulary struct {
	mesh  map[string]bool
	kept  map[string]bool
	words map[string]bool // lower case
}

func newVocabulary() *vocabulary {
	v := &vocabulary{mesh: set(meshNames), kept: set(keptWords), words: map[string]bool{}}
	for line := range strings.Lines(messageWords) {
		if !strings.HasPrefix(line, "#") {
			for _, word := range strings.Fields(line) {
				v.words[word] = true
			}
		}
	}
	return v
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, word := range strings.Fields(words) {
		out[word] = true
	}
	return out
}

// keeps is true of what stays even where it is someone's name.
func (v *vocabulary) keeps(part string) bool {
	return len(part) == 1 || v.kept[part] || v.mesh[part] || isVersion(part) || isUUID(part)
}

// leads is how much of a name is the mesh's own, from its beginning.
func (v *vocabulary) leads(name string) int {
	for end := strings.LastIndexByte(name, '-'); end > 0; end = strings.LastIndexByte(name[:end], '-') {
		if v.mesh[name[:end]] {
			return end
		}
	}
	return 0
}

// isProse is true of words of messages and of what is no word: numbers,
// times, versions, hashes.
func (v *vocabulary) isProse(part string) bool {
	if isNumber(part) || isHash(part) || v.words[strings.ToLower(part)] {
		return true
	}
	if strings.ContainsAny(part, "_-") {
		return v.isProseCompound(part)
	}
	return allHumps(part, func(hump string) bool { return v.words[hump] })
}

// isProseCompound is true of a date, of a version as in 3-distroless, and names of metrics and members
// that are put together with "_", as no object's name is.
func (v *vocabulary) isProseCompound(part string) bool {
	digits, words := true, true
	for piece := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '-' || r == '_' }) {
		digits = digits && isNumber(piece)
		words = words && (v.words[strings.ToLower(piece)] || isNumber(piece))
	}
	return digits || words && (isDigit(part[0]) || !strings.Contains(part, "-"))
}

// isUUID is true of 8-4-4-4-12 hexadecimal digits.
func isUUID(part string) bool {
	if len(part) != 36 {
		return false
	}
	for i := range len(part) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (part[i] == '-') || !dash && !isHex(part[i:i+1]) {
			return false
		}
	}
	return true
}

// allHumps goes through the words of a name as in camelCase, in lower case.
func allHumps(part string, is func(string) bool) bool {
	from := 0
	for i := 1; i <= len(part); i++ {
		if i < len(part) && !(isUpper(part[i]) && (!isUpper(part[i-1]) || i+1 < len(part) && isLower(part[i+1]))) {
			continue
		}
		if !is(strings.ToLower(part[from:i])) {
			return false
		}
		from = i
	}
	return from > 0
}

// isNumber is true of a number, perhaps with a unit, and of parts of a time: "250ms", "23T06", "10Mi".
func isNumber(part string) bool {
	if part == "" || !isDigit(part[0]) {
		return false
	}
	letters := 0
	for i := range len(part) {
		switch c := part[i]; {
		case isDigit(c):
			letters = 0
		case isUpper(c), isLower(c):
			if letters++; letters > 2 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isVersion is true of "3", "v1", "1" and "12" of a version or a port.
func isVersion(part string) bool {
	if len(part) > 1 && part[0] == 'v' {
		part = part[1:]
	}
	return isDigits(part) && len(part) <= maxOrdinal
}

// isHash is true of what only a machine writes: at least eight hexadecimal digits, some of them numbers.
func isHash(part string) bool {
	return len(part) >= 8 && isHex(part) && strings.ContainsAny(part, "0123456789")
}

func isHex(part string) bool {
	for i := range len(part) {
		if c := part[i]; !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return part != ""
}

func isDigits(part string) bool {
	for i := range len(part) {
		if !isDigit(part[i]) {
			return false
		}
	}
	return part != ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
