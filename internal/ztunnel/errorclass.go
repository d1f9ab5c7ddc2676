package ztunnel

import "strings"

// ErrorClass is the kind of failure behind the error text of an access record.
type ErrorClass string

const (
	NoError              ErrorClass = ""
	PolicyDenied         ErrorClass = "policy-denied"
	PolicyChanged        ErrorClass = "policy-changed"
	HTTP400              ErrorClass = "http-400"
	HTTP401              ErrorClass = "http-401"
	HTTP503              ErrorClass = "http-503"
	HTTPOther            ErrorClass = "http-other"
	HBONETimeout         ErrorClass = "hbone-timeout"
	Refused              ErrorClass = "refused"
	Reset                ErrorClass = "reset"
	HandshakeEOF         ErrorClass = "handshake-eof"
	UntrustedPeer        ErrorClass = "untrusted-peer"
	SANMismatch          ErrorClass = "san-mismatch"
	TrustDomainMismatch  ErrorClass = "trust-domain-mismatch"
	IdentityUnavailable  ErrorClass = "identity-unavailable"
	SigningError         ErrorClass = "signing-error"
	UnknownLocalWorkload ErrorClass = "unknown-local-workload"
	TLSHandshake         ErrorClass = "tls-handshake"
	NoHealthyUpstream    ErrorClass = "no-healthy-upstream"
	UnknownWaypoint      ErrorClass = "unknown-waypoint"
	UnknownGateway       ErrorClass = "unknown-network-gateway"
	UnknownService       ErrorClass = "unknown-service"
	NoPort               ErrorClass = "no-port"
	AppRefused           ErrorClass = "app-refused"
	AppTimeout           ErrorClass = "app-timeout"
	ClientAborted        ErrorClass = "client-aborted"
	ServerAborted        ErrorClass = "server-aborted"
	ClosingError         ErrorClass = "cut-while-closing"
	Drained              ErrorClass = "drained"
	IPMismatch           ErrorClass = "ip-mismatch"
	RecursiveCall        ErrorClass = "recursive-call"
	CRLRevoked           ErrorClass = "revoked"
	H2                   ErrorClass = "http2"
	DNS                  ErrorClass = "dns"
	FDExhausted          ErrorClass = "too-many-open-files"
	Timeout              ErrorClass = "timeout"
	Unreachable          ErrorClass = "unreachable"
	Other                ErrorClass = "other"
)

// signatures are ztunnel's own texts (istio/ztunnel src/proxy.rs enum Error,
// src/tls/lib.rs, src/rbac.rs) of 1.22 to master, the telling ones first.
var signatures = []struct {
	text    string
	inbound bool // only on the destination's side
	class   ErrorClass
}{
	{"policy rejection", false, PolicyDenied},
	{"connection closed due to policy change", false, PolicyChanged},
	{"revoked by CRL", false, CRLRevoked},
	{"maybe a NetworkPolicy is blocking HBONE", false, HBONETimeout},
	{"no healthy upstream", false, NoHealthyUpstream},
	{"unknown waypoint", false, UnknownWaypoint},
	{"unknown network gateway", false, UnknownGateway},
	{"cannot resolve port", false, NoPort},
	{"no valid target port", false, NoPort},
	{"no gateway address", false, UnknownGateway},
	{"no service for target address", false, UnknownService},
	{"no valid routing destination", false, UnknownService},
	{"no service or workload for hostname", false, UnknownService},
	{"unknown destination", false, UnknownService},
	{"failed to fetch information about local workload", false, UnknownLocalWorkload},
	{"timed out waiting for workload", false, UnknownLocalWorkload},
	{"unknown source", false, UnknownLocalWorkload},
	{"signing error", false, SigningError},
	{"identity error", false, IdentityUnavailable},
	{"did not present the expected SAN", false, SANMismatch},
	{"SanError", false, SANMismatch},
	{"san verification error", false, SANMismatch},
	{"SanTrustDomainError", false, TrustDomainMismatch},
	{"invalid peer certificate", false, UntrustedPeer},
	{"peer is incompatible", false, TLSHandshake},
	{"received fatal alert", false, TLSHandshake},
	{"tls handshake eof", false, HandshakeEOF},
	{"tls handshake error", false, TLSHandshake},
	{"TLS handshake error", false, TLSHandshake},
	{"tls error", false, TLSHandshake},
	{"http2 handshake failed", false, H2},
	{"h2 failed", false, H2},
	{"http handshake failed", false, H2},
	{"http failed", false, H2},
	{"no upgrade available", false, H2},
	{"connection streams maxed out", false, H2},
	{"expected method CONNECT", false, HTTPOther},
	{"invalid CONNECT address", false, HTTPOther},
	{"http status: 401", false, HTTP401},
	{"http status: 503", false, HTTP503},
	{"http status: 400", false, HTTP400},
	{"http status:", false, HTTPOther},
	{"ip mismatch", false, IPMismatch},
	{"recursive call to ourselves", false, RecursiveCall},
	{"client disconnected before all data", false, ClientAborted},
	{"destination disconnected before all data", false, ServerAborted},
	{"connection drain", false, Drained},
	{"pool draining", false, Drained},
	{"failed to drain", false, Drained},
	{"while closing connection", false, ClosingError},
	{"receive: ", false, ClosingError},
	{"send: ", false, ClosingError},
	{"without sending TLS close_notify", false, ClosingError},
	{"ip addresses were resolved for workload", false, DNS},
	{"dns: ", false, DNS},
	{"dns lookup: ", false, DNS},
	{"dns response had no valid IP", false, DNS},
	{"(os error 24)", false, FDExhausted},
	{"connection failed: Connection refused", true, AppRefused},
	{"connection failed: deadline has elapsed", true, AppTimeout},
	{"connection failed: Connection timed out", true, AppTimeout},
	{"(os error 111)", true, AppRefused},
	{"(os error 111)", false, Refused},
	{"(os error 104)", false, Reset},
	{"(os error 32)", false, Reset},
	{"connection reset", false, Reset},
	{"broken pipe", false, Reset},
	{"(os error 110)", false, Timeout},
	{"deadline has elapsed", false, Timeout},
	{"(os error 113)", false, Unreachable},
	{"(os error 101)", false, Unreachable},
}

// ClassifyError tells the kind of an access record's error. direction is the
// record's: the same text means another thing at either end.
func ClassifyError(direction, text string) ErrorClass {
	if text == "" {
		return NoError
	}
	for _, s := range signatures {
		if s.inbound && direction != "inbound" {
			continue
		}
		if strings.Contains(text, s.text) {
			return s.class
		}
	}
	return Other
}

// DeniedBy names the policy that a policy rejection names, "<ns>/<name>";
// where no ALLOW policy matched, ztunnel names none.
func DeniedBy(text string) (policy string, ok bool) {
	_, policy, ok = strings.Cut(text, "explicitly denied by: ")
	return strings.TrimSpace(policy), ok
}
