package sim

import (
	"fmt"
	"time"
)

// failure is how an HBONE connection fails on either side.
type failure struct {
	source string // the error of the source's line
	flag   string // and its response flag
	millis int
	// inbound is the error of the destination's own line; empty when it has none.
	inbound string
	// early is true for a destination that failed before it knew who calls.
	early bool
	// theirs is the response flag of the destination's own line, "" for DENY.
	theirs string
}

// atDestination books the failure where the call was meant to go.
func (f *failure) atDestination(m *mesh, a access, dst *meshPod) {
	if f.inbound == "" || !dst.captured() {
		return
	}
	a.at, a.inbound, a.early, a.err, a.flag = a.at.Add(-200*time.Microsecond), true, f.early, f.inbound, choose(f.theirs == "", "DENY", f.theirs)
	a.srcAddr = m.tunnelSocket(a.src, dst)
	if a.service == nil && len(dst.services) > 0 {
		a.service = dst.services[0]
	}
	a.millis = 0
	dst.onNode.ztunnel.note(a)
}

// handshake is what may fail before the destination knows whom it talks to.
func (m *mesh) handshake(src, dst *meshPod, at time.Time) *failure {
	for _, fails := range m.failures {
		if f := fails(src, dst); f != nil {
			return f
		}
	}
	own := src.onNode.ztunnel.certs[src.identity()]
	switch {
	case own.unavailable != "":
		return &failure{source: "identity error: " + own.unavailable, flag: "IDENTITY_ERROR"}
	case dst.shutHBONE:
		return &failure{source: "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed",
			flag: "NETWORK_POLICY", millis: 10001}
	case dst.gone:
		return &failure{source: "io error: No route to host (os error 113)", flag: "CONNECT", millis: 3060}
	case !dst.capturedAt(at):
		return &failure{source: "io error: Connection refused (os error 111)", flag: "CONNECT"}
	}
	theirs := dst.onNode.ztunnel.certs[dst.identity()]
	switch {
	case theirs.unavailable != "":
		return &failure{source: "io error: Connection reset by peer (os error 104)", flag: "CONNECT",
			inbound: "signing error: " + theirs.unavailable, early: true}
	case (own.ca == nil) != (theirs.ca == nil):
		return &failure{source: "io error: invalid peer certificate: BadSignature", flag: "CONNECT",
			inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(DecryptError) }", early: true}
	case theirs.invalidAt(at) != "":
		return &failure{source: "io error: invalid peer certificate: " + theirs.invalidAt(at), flag: "CONNECT",
			inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(CertificateExpired) }", early: true}
	case own.invalidAt(at) != "":
		return &failure{source: "io error: received fatal alert: CertificateExpired", flag: "CONNECT",
			inbound: "tls handshake error: Custom { kind: InvalidData, error: InvalidCertificate(" + own.invalidAt(at) + ") }", early: true}
	case !dst.onNode.ztunnel.knows(dst):
		who := fmt.Sprintf("%s.%s (%s)", dst.serviceAccount, dst.namespace, dst.name)
		return &failure{source: "io error: Connection reset by peer (os error 104)", flag: "CONNECT", millis: 5002,
			inbound: "signing error: workload is unknown: " + who, early: true}
	}
	return nil
}

// invalidAt names rustls' complaint about the certificate, webpki's CertificateError.
func (c certState) invalidAt(at time.Time) string {
	switch {
	case !c.notAfter.IsZero() && at.After(c.notAfter):
		return "Expired"
	case !c.notBefore.IsZero() && at.Before(c.notBefore):
		return "NotValidYet"
	}
	return ""
}

// authorize is the destination's decision by policy.
func (m *mesh) authorize(src, dst *meshPod) *failure {
	if m.permitted(src, dst) {
		return nil
	}
	return &failure{source: "http status: 401 Unauthorized", flag: "CONNECT",
		inbound: "connection closed due to policy rejection: allow policies exist, but none allowed"}
}
