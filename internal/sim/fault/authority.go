package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// authorityFaults are those of who signs, and of what is trusted.
func authorityFaults() []Fault {
	return []Fault{
		{"cert-initializing-stuck", "the CA never answers for one identity on its node", showing(plant.PickPod, plantInitializing)},
		{"cert-impersonation-denied", "istiod refuses to sign for one identity on its node, again and again", showingPair(pickCertificate, plantImpersonation)},
		{"cert-prefetch-failed", "a certificate could not be fetched at first, and is there by now", showing(plant.PickPod, plantPrefetch)},
		{"cert-ca-sign-error", "one istiod can't sign, and a ztunnel has no certificates", showing(plant.PickZtunnel, plantSignError)},
		{"sa-id-mismatch", "the CA answers with another identity than was asked for", showingPair(pickCertificate, plantOtherIdentity)},
		{"root-cert-expiring", "the mesh's root expires in three weeks", plantOldRoot(21 * 24 * time.Hour)},
		{"root-cert-invalid", "the bundle of roots holds what is no certificate", plantZtunnelLine("warn", "tls::certificate", "warning: found 1 invalid root certs")},
		{"trust-domain-mismatch", "a client of another trust domain calls", plantOtherDomain},
		{"peer-san-mismatch", "another pod answers at a pod's address", plantOtherPeer},
		{"crl-rejecting", "a peer's certificate is revoked", plantRevoked},
		{"crl-not-loaded", "the revocation list that a ztunnel is to read is not there", on(plant.PickZtunnel, plantNoCRL)},
		{"ca-config-mismatch", "a ztunnel asks for certificates at an address where nobody signs", on(plant.PickZtunnel, plantOtherAuthority)},
	}
}

func plantZtunnelLine(level, target, message string) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		z, err := plant.PickZtunnel(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		z.Lines = append(z.Lines, world.Record(m.Now.Add(-35*time.Minute), level, target, message, ""))
		z.Faulty = true
		return z.Subject(), nil
	}
}

// shun keeps everybody from calling the pod, and it from calling.
func shun(p *world.Pod) {
	p.Mute, p.Faulty = true, true
	for _, s := range p.Services {
		s.Foreign = true
	}
}

func plantInitializing(m *world.Mesh, p *world.Pod) world.Subject {
	shun(p)
	p.OnNode.Ztunnel.Certs[p.Identity()] = world.CertState{Initializing: true}
	return plant.IdentitySubject(p)
}

func plantImpersonation(m *world.Mesh, p, peer *world.Pod) world.Subject {
	z := p.OnNode.Ztunnel
	z.Certs[p.Identity()] = world.CertState{Unavailable: renewalError}
	at := slices.IndexFunc(m.Istiods, func(i *world.Istiod) bool { return slices.Contains(i.Proxies, z) })
	for n := range 8 {
		when := m.Now.Add(-21*time.Minute + time.Duration(n)*150*time.Second)
		z.Lines = append(z.Lines, world.Record(when, "warn", "identity::manager",
			"certificate fetch failed ("+renewalError+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)", "id="+p.Identity()))
		m.Istiods[at].Lines = append(m.Istiods[at].Lines, world.Record(when, "warn", "serverca",
			fmt.Sprintf("impersonation failed for identity %s, error: caller (%s/ztunnel-canary) is not allowed to impersonate", p.Identity(), world.SystemNamespace), ""))
	}
	plant.Show(m, p, peer)
	return m.Istiods[at].Pod.Subject()
}

func plantPrefetch(m *world.Mesh, p *world.Pod) world.Subject {
	p.Faulty = true
	z := p.OnNode.Ztunnel
	z.Lines = append(z.Lines, world.Record(m.Now.Add(-28*time.Minute), "error", "cert_fetcher",
		fmt.Sprintf(`unable to prefetch cert for %q, skipping, SigningRequest(Status { code: Unavailable, message: `+
			`"error trying to connect: tcp connect error", metadata: MetadataMap { headers: {} }, source: None })`, p.Identity()), ""))
	return z.Subject()
}

func plantSignError(m *world.Mesh, z *world.Ztunnel) world.Subject {
	i := m.Istiods[0]
	const denied = "CSR signing error: rpc error: code = Unavailable desc = certificate request was denied by the external signer"
	for _, identity := range z.Identities() {
		z.Certs[identity] = world.CertState{Unavailable: "signing gRPC error (Internal error encountered.): " + denied}
	}
	for n := range 20 {
		i.Lines = append(i.Lines, world.Record(m.Now.Add(-22*time.Minute+time.Duration(n)*time.Minute), "error", "serverca", denied, ""))
	}
	i.SignErrors = 20
	return i.Pod.Subject()
}

func plantOtherIdentity(m *world.Mesh, p, peer *world.Pod) world.Subject {
	z := p.OnNode.Ztunnel
	text := "did not find expected SAN: " + p.Identity()
	z.Certs[p.Identity()] = world.CertState{Unavailable: text}
	for n := range 6 {
		z.Lines = append(z.Lines, world.Record(m.Now.Add(-14*time.Minute+time.Duration(n)*150*time.Second), "warn", "identity::manager",
			"certificate fetch failed ("+text+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)", "id="+p.Identity()))
	}
	plant.Show(m, p, peer)
	return plant.IdentitySubject(p)
}

func plantOldRoot(left time.Duration) planter {
	return func(m *world.Mesh, _ string) (world.Subject, error) {
		old, err := world.NewMeshCA("mesh", m.TrustDomain, m.Now.Add(left-world.RootLifetime))
		if err != nil {
			return world.Subject{}, err
		}
		m.CA = old
		return world.Subject{Kind: "root", Name: strings.ToLower(old.Cert.Subject.String())}, nil
	}
}

func plantOtherDomain(m *world.Mesh, arg string) (world.Subject, error) {
	p, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	p.Faulty = true
	m.Calls = append(m.Calls, func(at time.Time) {
		p.OnNode.Ztunnel.Note(world.Access{At: at, Inbound: true, Early: true, SrcAddr: "10.200.0.9:41022", DstAddr: fmt.Sprintf("%s:%d", p.IP(), istio.HBONEPort),
			Err: `tls handshake error: Custom { kind: InvalidData, error: InvalidCertificate(Other(OtherError(SanTrustDomainError("` + m.TrustDomain + `", ` +
				`["spiffe://west.example/ns/shop/sa/frontend"])))) }`})
	})
	return p.Subject(), nil
}

func plantOtherPeer(m *world.Mesh, arg string) (world.Subject, error) {
	p, src, err := plant.PickPeersApart(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	shun(p)
	m.Calls = append(m.Calls, func(at time.Time) {
		src.OnNode.Ztunnel.Note(world.Access{At: at, Src: src, SrcAddr: m.Socket(src), Dst: p, Mutual: true, Flag: "CONNECT", HBONE: m.AppAddress(p), DstAddr: fmt.Sprintf("%s:%d", p.IP(), istio.HBONEPort),
			Err: fmt.Sprintf("io error: invalid peer certificate: Other(OtherError(identity verification error: peer did not present the expected SAN (%s), got spiffe://%s/ns/%s/sa/batch))",
				p.Identity(), m.TrustDomain, p.Namespace)})
	})
	return p.Subject(), nil
}

func plantRevoked(m *world.Mesh, arg string) (world.Subject, error) {
	p, src, err := plant.PickPeersApart(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	shun(p)
	m.Calls = append(m.Calls, func(at time.Time) {
		src.OnNode.Ztunnel.Note(world.Access{At: at, Src: src, SrcAddr: m.Socket(src), Dst: p, Mutual: true, Flag: "CERT_REVOKED", HBONE: m.AppAddress(p),
			DstAddr: fmt.Sprintf("%s:%d", p.IP(), istio.HBONEPort), Err: "connection closed: peer certificate revoked by CRL"})
	})
	return p.Subject(), nil
}

func plantNoCRL(m *world.Mesh, z *world.Ztunnel) {
	const path = "/var/run/secrets/istio/crl/ca-crl.pem"
	z.Faulty, z.Settings = true, map[string]string{"crlPath": path}
	z.Lines = append(z.Lines, world.Record(m.Started.Add(2*time.Second), "warn", "tls::crl", "crl file not found, will retry on first validation", fmt.Sprintf("path=%q", path)))
}

func plantOtherAuthority(m *world.Mesh, z *world.Ztunnel) {
	z.Settings = map[string]string{"caAddress": "https://cert-manager-istio-csr.cert-manager.svc:443"}
	for _, identity := range z.Identities() {
		z.Certs[identity] = world.CertState{Unavailable: "signing gRPC error (The service is currently unavailable): dns error: failed to lookup address information"}
	}
}

// resourceFaults are those of processes that run out of something.
func resourceFaults() []Fault {
	return []Fault{
		{"istiod-oom", "an istiod ran out of memory", plantIstiodKilled},
		{"ztunnel-fd-exhaustion", "a ztunnel has nearly all of its file descriptors open", on(plant.PickZtunnel, plantDescriptors)},
		{"ztunnel-not-ready", "a ztunnel's DNS proxy could not start", on(plant.PickRunning, plantNotReady)},
		{"ztunnel-rolling-drops", "a ztunnel cut open connections when it was last stopped", on(plant.PickZtunnel, plantDrops)},
	}
}

func plantIstiodKilled(m *world.Mesh, _ string) (world.Subject, error) {
	i := m.Istiods[0]
	c := &i.Pod.Container
	at := m.Now.Add(-3 * time.Hour).Truncate(time.Second)
	c.Restarts, c.Started = 2, at.Add(3*time.Second)
	c.Previous = &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, StartedAt: metav1.NewTime(m.Started.Truncate(time.Second)), FinishedAt: metav1.NewTime(at)}
	return i.Pod.Subject(), nil
}

func plantDescriptors(m *world.Mesh, z *world.Ztunnel) {
	z.Faulty = true
	z.Rewrite = func(lines []string) []string {
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
		z.Lines = append(z.Lines, world.Record(m.Now.Add(-10*time.Minute+time.Duration(n)*40*time.Second), "error", "proxy::outbound",
			"Failed TCP handshake Too many open files (os error 24)", ""))
	}
}

func plantNotReady(m *world.Mesh, z *world.Ztunnel) {
	z.Pending = []string{"dns proxy"}
}

func plantDrops(m *world.Mesh, z *world.Ztunnel) {
	z.Began, z.Faulty = m.Now.Add(-2*time.Hour), true
	c := &z.Pod.Container
	c.Restarts, c.Started = 1, z.Began.Truncate(time.Second)
	c.Previous = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: metav1.NewTime(m.Started.Truncate(time.Second)), FinishedAt: metav1.NewTime(z.Began.Truncate(time.Second))}
	z.Before = []world.LogLine{
		world.Record(z.Began.Add(-35*time.Second), "info", "signal", "received signal SIGTERM, starting shutdown", ""),
		world.Record(z.Began.Add(-5*time.Second), "warn", "drain", "drain duration expired with pending connections, forcefully shutting down", ""),
	}
}
