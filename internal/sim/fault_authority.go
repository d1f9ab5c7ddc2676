package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

// authorityFaults are those of who signs, and of what is trusted.
func authorityFaults() []Fault {
	return []Fault{
		{"cert-initializing-stuck", "the CA never answers for one identity on its node", showing((*mesh).pickPod, plantInitializing)},
		{"cert-impersonation-denied", "istiod refuses to sign for one identity on its node, again and again", showingPair((*mesh).pickCertificate, plantImpersonation)},
		{"cert-prefetch-failed", "a certificate could not be fetched at first, and is there by now", showing((*mesh).pickPod, plantPrefetch)},
		{"cert-ca-sign-error", "one istiod can't sign, and a ztunnel has no certificates", showing((*mesh).pickZtunnel, plantSignError)},
		{"sa-id-mismatch", "the CA answers with another identity than was asked for", showingPair((*mesh).pickCertificate, plantOtherIdentity)},
		{"root-cert-expiring", "the mesh's root expires in three weeks", plantOldRoot(21 * 24 * time.Hour)},
		{"root-cert-invalid", "the bundle of roots holds what is no certificate", plantZtunnelLine("warn", "tls::certificate", "warning: found 1 invalid root certs")},
		{"trust-domain-mismatch", "a client of another trust domain calls", plantOtherDomain},
		{"peer-san-mismatch", "another pod answers at a pod's address", plantOtherPeer},
		{"crl-rejecting", "a peer's certificate is revoked", plantRevoked},
		{"crl-not-loaded", "the revocation list that a ztunnel is to read is not there", on((*mesh).pickZtunnel, plantNoCRL)},
		{"ca-config-mismatch", "a ztunnel asks for certificates at an address where nobody signs", on((*mesh).pickZtunnel, plantOtherAuthority)},
	}
}

func plantZtunnelLine(level, target, message string) planter {
	return func(m *mesh, arg string) (Subject, error) {
		z, err := m.pickZtunnel(arg)
		if err != nil {
			return Subject{}, err
		}
		z.lines = append(z.lines, record(m.now.Add(-35*time.Minute), level, target, message, ""))
		z.faulty = true
		return z.subject(), nil
	}
}

// shun keeps everybody from calling the pod, and it from calling.
func (p *meshPod) shun() {
	p.mute, p.faulty = true, true
	for _, s := range p.services {
		s.foreign = true
	}
}

func plantInitializing(m *mesh, p *meshPod) Subject {
	p.shun()
	p.onNode.ztunnel.certs[p.identity()] = certState{initializing: true}
	return identitySubject(p)
}

func plantImpersonation(m *mesh, p, peer *meshPod) Subject {
	z := p.onNode.ztunnel
	z.certs[p.identity()] = certState{unavailable: renewalError}
	at := slices.IndexFunc(m.istiods, func(i *meshIstiod) bool { return slices.Contains(i.proxies, z) })
	for n := range 8 {
		when := m.now.Add(-21*time.Minute + time.Duration(n)*150*time.Second)
		z.lines = append(z.lines, record(when, "warn", "identity::manager",
			"certificate fetch failed ("+renewalError+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)", "id="+p.identity()))
		m.istiods[at].lines = append(m.istiods[at].lines, record(when, "warn", "serverca",
			fmt.Sprintf("impersonation failed for identity %s, error: caller (%s/ztunnel-canary) is not allowed to impersonate", p.identity(), systemNamespace), ""))
	}
	m.show(p, peer)
	return m.istiods[at].pod.subject()
}

func plantPrefetch(m *mesh, p *meshPod) Subject {
	p.faulty = true
	z := p.onNode.ztunnel
	z.lines = append(z.lines, record(m.now.Add(-28*time.Minute), "error", "cert_fetcher",
		fmt.Sprintf(`unable to prefetch cert for %q, skipping, SigningRequest(Status { code: Unavailable, message: `+
			`"error trying to connect: tcp connect error", metadata: MetadataMap { headers: {} }, source: None })`, p.identity()), ""))
	return z.subject()
}

func plantSignError(m *mesh, z *ztunnel) Subject {
	i := m.istiods[0]
	const denied = "CSR signing error: rpc error: code = Unavailable desc = certificate request was denied by the external signer"
	for _, identity := range z.identities() {
		z.certs[identity] = certState{unavailable: "signing gRPC error (Internal error encountered.): " + denied}
	}
	for n := range 20 {
		i.lines = append(i.lines, record(m.now.Add(-22*time.Minute+time.Duration(n)*time.Minute), "error", "serverca", denied, ""))
	}
	i.signErrors = 20
	return i.pod.subject()
}

func plantOtherIdentity(m *mesh, p, peer *meshPod) Subject {
	z := p.onNode.ztunnel
	text := "did not find expected SAN: " + p.identity()
	z.certs[p.identity()] = certState{unavailable: text}
	for n := range 6 {
		z.lines = append(z.lines, record(m.now.Add(-14*time.Minute+time.Duration(n)*150*time.Second), "warn", "identity::manager",
			"certificate fetch failed ("+text+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)", "id="+p.identity()))
	}
	m.show(p, peer)
	return identitySubject(p)
}

func plantOldRoot(left time.Duration) planter {
	return func(m *mesh, _ string) (Subject, error) {
		old, err := newMeshCA("mesh", m.trustDomain, m.now.Add(left-rootLifetime))
		if err != nil {
			return Subject{}, err
		}
		m.ca = old
		return Subject{Kind: "root", Name: strings.ToLower(old.cert.Subject.String())}, nil
	}
}

func plantOtherDomain(m *mesh, arg string) (Subject, error) {
	p, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	p.faulty = true
	m.calls = append(m.calls, func(at time.Time) {
		p.onNode.ztunnel.note(access{at: at, inbound: true, early: true, srcAddr: "10.200.0.9:41022", dstAddr: fmt.Sprintf("%s:%d", p.ip(), istio.HBONEPort),
			err: `tls handshake error: Custom { kind: InvalidData, error: InvalidCertificate(Other(OtherError(SanTrustDomainError("` + m.trustDomain + `", ` +
				`["spiffe://west.example/ns/shop/sa/frontend"])))) }`})
	})
	return p.subject(), nil
}

func plantOtherPeer(m *mesh, arg string) (Subject, error) {
	p, src, err := m.pickPeersApart(arg)
	if err != nil {
		return Subject{}, err
	}
	p.shun()
	m.calls = append(m.calls, func(at time.Time) {
		src.onNode.ztunnel.note(access{at: at, src: src, srcAddr: m.socket(src), dst: p, mutual: true, flag: "CONNECT", hbone: m.appAddress(p), dstAddr: fmt.Sprintf("%s:%d", p.ip(), istio.HBONEPort),
			err: fmt.Sprintf("io error: invalid peer certificate: Other(OtherError(identity verification error: peer did not present the expected SAN (%s), got spiffe://%s/ns/%s/sa/batch))",
				p.identity(), m.trustDomain, p.namespace)})
	})
	return p.subject(), nil
}

func plantRevoked(m *mesh, arg string) (Subject, error) {
	p, src, err := m.pickPeersApart(arg)
	if err != nil {
		return Subject{}, err
	}
	p.shun()
	m.calls = append(m.calls, func(at time.Time) {
		src.onNode.ztunnel.note(access{at: at, src: src, srcAddr: m.socket(src), dst: p, mutual: true, flag: "CERT_REVOKED", hbone: m.appAddress(p),
			dstAddr: fmt.Sprintf("%s:%d", p.ip(), istio.HBONEPort), err: "connection closed: peer certificate revoked by CRL"})
	})
	return p.subject(), nil
}

func plantNoCRL(m *mesh, z *ztunnel) {
	const path = "/var/run/secrets/istio/crl/ca-crl.pem"
	z.faulty, z.settings = true, map[string]string{"crlPath": path}
	z.lines = append(z.lines, record(m.started.Add(2*time.Second), "warn", "tls::crl", "crl file not found, will retry on first validation", fmt.Sprintf("path=%q", path)))
}

func plantOtherAuthority(m *mesh, z *ztunnel) {
	z.settings = map[string]string{"caAddress": "https://cert-manager-istio-csr.cert-manager.svc:443"}
	for _, identity := range z.identities() {
		z.certs[identity] = certState{unavailable: "signing gRPC error (The service is currently unavailable): dns error: failed to lookup address information"}
	}
}

// resourceFaults are those of processes that run out of something.
func resourceFaults() []Fault {
	return []Fault{
		{"istiod-oom", "an istiod ran out of memory", plantIstiodKilled},
		{"ztunnel-fd-exhaustion", "a ztunnel has nearly all of its file descriptors open", on((*mesh).pickZtunnel, plantDescriptors)},
		{"ztunnel-not-ready", "a ztunnel's DNS proxy could not start", on((*mesh).pickRunning, plantNotReady)},
		{"ztunnel-rolling-drops", "a ztunnel cut open connections when it was last stopped", on((*mesh).pickZtunnel, plantDrops)},
	}
}

func plantIstiodKilled(m *mesh, _ string) (Subject, error) {
	i := m.istiods[0]
	c := &i.pod.container
	at := m.now.Add(-3 * time.Hour).Truncate(time.Second)
	c.restarts, c.started = 2, at.Add(3*time.Second)
	c.previous = &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, StartedAt: metav1.NewTime(m.started.Truncate(time.Second)), FinishedAt: metav1.NewTime(at)}
	return i.pod.subject(), nil
}

func plantDescriptors(m *mesh, z *ztunnel) {
	z.faulty = true
	z.rewrite = func(lines []string) []string {
		for i, l := range lines {
			switch {
			case strings.HasPrefix(l, "process_open_fds "):
				lines[i] = "process_open_fds 19741\n"
			case strings.HasPrefix(l, "process_max_fds "):
				lines[i] = "process_max_fds 20000\n"
			}
		}
		return lines
	}
	for n := range 12 {
		z.lines = append(z.lines, record(m.now.Add(-10*time.Minute+time.Duration(n)*40*time.Second), "error", "proxy::outbound",
			"Failed TCP handshake Too many open files (os error 24)", ""))
	}
}

func plantNotReady(m *mesh, z *ztunnel) {
	z.pending = []string{"dns proxy"}
}

func plantDrops(m *mesh, z *ztunnel) {
	z.began, z.faulty = m.now.Add(-2*time.Hour), true
	c := &z.pod.container
	c.restarts, c.started = 1, z.began.Truncate(time.Second)
	c.previous = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: metav1.NewTime(m.started.Truncate(time.Second)), FinishedAt: metav1.NewTime(z.began.Truncate(time.Second))}
	z.before = []logLine{
		record(z.began.Add(-35*time.Second), "info", "signal", "received signal SIGTERM, starting shutdown", ""),
		record(z.began.Add(-5*time.Second), "warn", "drain", "drain duration expired with pending connections, forcefully shutting down", ""),
	}
}
