package fault

import (
	"fmt"
	"slices"
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func certificateFaults() []Fault {
	return []Fault{
		{"cert-unavailable", "the CA refuses to sign for one identity on its node", showingPair(pickCertificate, plantCertUnavailable)},
		{"cert-missing-for-local-identity", "a ztunnel never asked for the certificate of a pod on its node", showing(plant.PickPod, plantCertMissing)},
		{"cert-expired", "the certificate of one identity has expired on its node", plantCertAged("cert-expired", -25*time.Hour, -time.Hour)},
		{"cert-expiring", "the certificate of one identity is far past its renewal and about to expire", plantCertAged("cert-expiring", -23*time.Hour, time.Hour)},
		{"cert-not-yet-valid", "the certificate of one identity becomes valid in the future", plantCertAged("cert-not-yet-valid", 20*time.Minute, 24*time.Hour)},
		{"root-mismatch", "one ztunnel's certificates come from another root", plantRootMismatch},
	}
}

// pickCertificate chooses an identity by its pod, and pods that show what comes of it.
func pickCertificate(m *world.Mesh, arg string) (p, peer *world.Pod, err error) {
	if p, peer, err = plant.PickPeersApart(m, arg); err != nil {
		return nil, nil, err
	}
	p.Faulty = true
	return p, peer, nil
}

// renewalError is what a CA says that doesn't know the caller, ztunnel src/identity/caclient.rs.
const renewalError = "signing gRPC error (The request does not have valid authentication credentials): request impersonation authentication failure"

func plantCertUnavailable(m *world.Mesh, p, peer *world.Pod) world.Subject {
	z := p.OnNode.Ztunnel
	z.Certs[p.Identity()] = world.CertState{Unavailable: renewalError}
	z.Lines = append(z.Lines, world.Record(m.Started.Add(time.Second), "error", "cert_fetcher",
		fmt.Sprintf(`unable to prefetch cert for %q, skipping, SigningRequest(Status { code: Unauthenticated, message: `+
			`"request impersonation authentication failure", metadata: MetadataMap { headers: {"content-type": "application/grpc"} }, source: None })`, p.Identity()), ""))
	for i := range 5 {
		z.Lines = append(z.Lines, world.Record(m.Now.Add(-12*time.Minute+time.Duration(i)*150*time.Second), "warn", "identity::manager",
			"certificate fetch failed ("+renewalError+") and no valid existing certificate; will retry in 149.218s (backoff capped at 150s)",
			"id="+p.Identity()))
	}
	for _, i := range m.Istiods {
		if slices.Contains(i.Proxies, z) {
			i.Lines = append(i.Lines, world.Record(m.Now.Add(-12*time.Minute), "warn", "serverca",
				fmt.Sprintf("impersonation failed for identity %s, error: no instances of %q found on node %q",
					p.Identity(), world.PodKey(p.Namespace, p.ServiceAccount), z.Node.Name), ""))
		}
	}
	plant.Show(m, p, peer)
	plant.Show(m, peer, p)
	return plant.IdentitySubject(p)
}

func plantCertMissing(m *world.Mesh, p *world.Pod) world.Subject {
	p.Faulty = true
	p.OnNode.Ztunnel.Certs[p.Identity()] = world.CertState{Absent: true}
	return plant.IdentitySubject(p)
}

func plantCertAged(name string, from, until time.Duration) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		p, peer, err := pickCertificate(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		z := p.OnNode.Ztunnel
		z.Certs[p.Identity()] = world.CertState{NotBefore: m.Now.Add(from), NotAfter: m.Now.Add(until)}
		if name == "cert-expiring" {
			for i := range 4 {
				z.Lines = append(z.Lines, world.Record(m.Now.Add(-10*time.Minute+time.Duration(i)*150*time.Second), "info", "identity::manager",
					"certificate renewal failed ("+renewalError+"); retaining existing valid certificate until "+
						"Instant { tv_sec: 90217, tv_nsec: 411220613 }; next retry at Instant { tv_sec: 86767, tv_nsec: 102266134 }", "id="+p.Identity()))
			}
		}
		plant.Show(m, peer, p)
		return plant.IdentitySubject(p), nil
	}
}

func plantRootMismatch(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	for _, identity := range z.Identities() {
		z.Certs[identity] = world.CertState{CA: m.Stray}
	}
	for _, p := range m.Members() {
		if p.OnNode != z.Node {
			continue
		}
		if peer, err := plant.PickCaller(m, p, nil, z.Node); err == nil {
			plant.Show(m, peer, p)
			break
		}
	}
	return z.Subject(), nil
}
