package world

import (
	"fmt"
	"time"
)

// Failure is how an HBONE connection fails on either side.
type Failure struct {
	Source string // the error of the source's line
	Flag   string // and its response flag
	Millis int
	// Inbound is the error of the destination's own line; empty when it has none.
	Inbound string
	// Early is true for a destination that failed before it knew who calls.
	Early bool
	// Theirs is the response flag of the destination's own line, "" for DENY.
	Theirs string
}

// AtDestination books the failure where the call was meant to go.
func (f *Failure) AtDestination(m *Mesh, a Access, dst *Pod) {
	if f.Inbound == "" || !dst.Captured() {
		return
	}
	a.At, a.Inbound, a.Early, a.Err, a.Flag = a.At.Add(-200*time.Microsecond), true, f.Early, f.Inbound, Choose(f.Theirs == "", "DENY", f.Theirs)
	a.SrcAddr = m.TunnelSocket(a.Src, dst)
	if a.Service == nil && len(dst.Services) > 0 {
		a.Service = dst.Services[0]
	}
	a.Millis = 0
	dst.OnNode.Ztunnel.Note(a)
}

// handshake is what may fail before the destination knows whom it talks to.
func (m *Mesh) handshake(src, dst *Pod, at time.Time) *Failure {
	for _, fails := range m.Failures {
		if f := fails(src, dst); f != nil {
			return f
		}
	}
	own := src.OnNode.Ztunnel.Certs[src.Identity()]
	switch {
	case own.Unavailable != "":
		return &Failure{Source: "identity error: " + own.Unavailable, Flag: "IDENTITY_ERROR"}
	case dst.ShutHBONE:
		return &Failure{Source: "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline has elapsed",
			Flag: "NETWORK_POLICY", Millis: 10001}
	case dst.Gone:
		return &Failure{Source: "io error: No route to host (os error 113)", Flag: "CONNECT", Millis: 3060}
	case !dst.capturedAt(at):
		return &Failure{Source: "io error: Connection refused (os error 111)", Flag: "CONNECT"}
	}
	theirs := dst.OnNode.Ztunnel.Certs[dst.Identity()]
	switch {
	case theirs.Unavailable != "":
		return &Failure{Source: "io error: Connection reset by peer (os error 104)", Flag: "CONNECT",
			Inbound: "signing error: " + theirs.Unavailable, Early: true}
	case (own.CA == nil) != (theirs.CA == nil):
		return &Failure{Source: "io error: invalid peer certificate: BadSignature", Flag: "CONNECT",
			Inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(DecryptError) }", Early: true}
	case theirs.invalidAt(at) != "":
		return &Failure{Source: "io error: invalid peer certificate: " + theirs.invalidAt(at), Flag: "CONNECT",
			Inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(CertificateExpired) }", Early: true}
	case own.invalidAt(at) != "":
		return &Failure{Source: "io error: received fatal alert: CertificateExpired", Flag: "CONNECT",
			Inbound: "tls handshake error: Custom { kind: InvalidData, error: InvalidCertificate(" + own.invalidAt(at) + ") }", Early: true}
	case !dst.OnNode.Ztunnel.knows(dst):
		who := fmt.Sprintf("%s.%s (%s)", dst.ServiceAccount, dst.Namespace, dst.Name)
		return &Failure{Source: "io error: Connection reset by peer (os error 104)", Flag: "CONNECT", Millis: 5002,
			Inbound: "signing error: workload is unknown: " + who, Early: true}
	}
	return nil
}

// invalidAt names rustls' complaint about the certificate, webpki's CertificateError.
func (c CertState) invalidAt(at time.Time) string {
	switch {
	case !c.NotAfter.IsZero() && at.After(c.NotAfter):
		return "Expired"
	case !c.NotBefore.IsZero() && at.Before(c.NotBefore):
		return "NotValidYet"
	}
	return ""
}

// authorize is the destination's decision by policy.
func (m *Mesh) authorize(src, dst *Pod) *Failure {
	if m.permitted(src, dst) {
		return nil
	}
	return &Failure{Source: "http status: 401 Unauthorized", Flag: "CONNECT",
		Inbound: "connection closed due to policy rejection: allow policies exist, but none allowed"}
}
