package sim

import (
	"fmt"
	"slices"
	"time"
)

func certificateFaults() []Fault {
	return []Fault{
		{"cert-unavailable", "the CA refuses to sign for one identity on its node", showingPair((*mesh).pickCertificate, plantCertUnavailable)},
		{"cert-missing-for-local-identity", "a ztunnel never asked for the certificate of a pod on its node", showing((*mesh).pickPod, plantCertMissing)},
		{"cert-expired", "the certificate of one identity has expired on its node", plantCertAged("cert-expired", -25*time.Hour, -time.Hour)},
		{"cert-expiring", "the certificate of one identity is far past its renewal and about to expire", plantCertAged("cert-expiring", -23*time.Hour, time.Hour)},
		{"cert-not-yet-valid", "the certificate of one identity becomes valid in the future", plantCertAged("cert-not-yet-valid", 20*time.Minute, 24*time.Hour)},
		{"root-mismatch", "one ztunnel's certificates come from another root", plantRootMismatch},
	}
}

// pickCertificate chooses an identity by its pod, and pods that show what comes of it.
func (m *mesh) pickCertificate(arg string) (p, peer *meshPod, err error) {
	if p, peer, err = m.pickPeersApart(arg); err != nil {
		return nil, nil, err
	}
	p.faulty = true
	return p, peer, nil
}

// renewalError is what a CA says that doesn't know the caller, ztunnel src/identity/caclient.rs.
const renewalError = "signing gRPC error (The request does not have valid authentication credentials): request impersonation authentication failure"

func plantCertUnavailable(m *mesh, p, peer *meshPod) Subject {
	z := p.onNode.ztunnel
	z.certs[p.identity()] = certState{unavailable: renewalError}
	z.lines = append(z.lines, record(m.started.Add(time.Second), "error", "cert_fetcher",
		fmt.Sprintf(`unable to prefetch cert for %q, skipping, SigningRequest(Status { code: Unauthenticated, message: `+
			`"request impersonation authentication failure", metadata: MetadataMap { headers: {"content-type": "application/grpc"} }, source: None })`, p.identity()), ""))
	for i := range 5 {
		z.lines = append(z.lines, record(m.now.Add(-12*time.Minute+time.Duration(i)*150*time.Second), "warn", "identity::manager",
			"certificate fetch failed ("+renewalError+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)",
			"id="+p.identity()))
	}
	for _, i := range m.istiods {
		if slices.Contains(i.proxies, z) {
			i.lines = append(i.lines, record(m.now.Add(-12*time.Minute), "warn", "serverca",
				fmt.Sprintf("impersonation failed for identity %s, error: no instances of %q found on node %q",
					p.identity(), podKey(p.namespace, p.serviceAccount), z.node.name), ""))
		}
	}
	m.show(p, peer)
	m.show(peer, p)
	return identitySubject(p)
}

func plantCertMissing(m *mesh, p *meshPod) Subject {
	p.faulty = true
	p.onNode.ztunnel.certs[p.identity()] = certState{absent: true}
	return identitySubject(p)
}

func plantCertAged(name string, from, until time.Duration) planter {
	return func(m *mesh, arg string) (Subject, error) {
		p, peer, err := m.pickCertificate(arg)
		if err != nil {
			return Subject{}, err
		}
		z := p.onNode.ztunnel
		z.certs[p.identity()] = certState{notBefore: m.now.Add(from), notAfter: m.now.Add(until)}
		if name == "cert-expiring" {
			for i := range 4 {
				z.lines = append(z.lines, record(m.now.Add(-10*time.Minute+time.Duration(i)*150*time.Second), "info", "identity::manager",
					"certificate renewal failed ("+renewalError+"); retaining existing valid certificate until "+
						"Instant { tv_sec: 90217, tv_nsec: 411220613 }; next retry at Instant { tv_sec: 86767, tv_nsec: 102266134 }", "id="+p.identity()))
			}
		}
		m.show(peer, p)
		return identitySubject(p), nil
	}
}

func plantRootMismatch(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	for _, identity := range z.identities() {
		z.certs[identity] = certState{ca: m.stray}
	}
	for _, p := range m.members() {
		if p.onNode != z.node {
			continue
		}
		if peer, err := m.pickCaller(p, nil, z.node); err == nil {
			m.show(peer, p)
			break
		}
	}
	return z.subject(), nil
}
