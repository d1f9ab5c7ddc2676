package sim

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/zbundle/zbundle/internal/istio"
)

// healthFaults are those of how istiod has pods and services that are not as it says.
func healthFaults() []Fault {
	return []Fault{
		{"workload-dead-node", "a node is lost, and istiod still holds its pods as healthy", plantDeadNode},
		{"workload-health-mismatch", "istiod holds a ready pod as unhealthy", on((*mesh).pickPod, plantMisjudged)},
		{"workload-ip-collision", "one ztunnel still holds a deleted pod whose address another pod got", plantReusedAddress},
		{"workload-divergence", "one ztunnel is behind by several pods", plantBehind},
		{"service-missing-or-vip-mismatch", "one ztunnel was never told of a service", plantServiceMissing},
		{"service-port-unresolved", "a service's target port is named by none of its pods", plantUnresolvedPort},
		{"serviceentry-deduplicated", "two ServiceEntries of a namespace name one host", plantDuplicateEntry},
	}
}

// plantDeadNode: Kubernetes knows that the node's pods are not ready, and istiod does not.
func plantDeadNode(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	if len(m.nodes) < 3 {
		return Subject{}, ErrNoSubject
	}
	n := z.node
	m.drop(z)
	n.dead, n.ready = true, false
	n.readySince = m.now.Add(-12 * time.Minute).Truncate(time.Second)
	lose := func(p *podModel) { p.ready, p.readySince = false, n.readySince }
	lose(&n.cni.pod)
	for _, p := range m.pods {
		if p.onNode == n {
			lose(&p.podModel)
			p.misjudged, p.mute, p.faulty = true, true, true
			for _, s := range p.services {
				s.foreign = true // what is called is not what this shows
			}
		}
	}
	return Subject{Kind: "node", Name: n.name, Node: n.name}, nil
}

func plantMisjudged(m *mesh, p *meshPod) {
	p.misjudged, p.faulty = true, true
}

// plantReusedAddress: calls by the service go to either, and the one that lives shows another identity.
func plantReusedAddress(m *mesh, arg string) (Subject, error) {
	p, src, err := m.pickPeersApart(arg)
	if err != nil {
		return Subject{}, err
	}
	z := src.onNode.ztunnel
	gone := *p
	gone.name, gone.app, gone.serviceAccount = "ratings-5d8f7c6b94-q2w8n", "ratings", "ratings"
	gone.uid = string(stableUID("pods", gone.namespace, gone.name))
	gone.gone, gone.services, gone.policies, gone.bound = true, nil, nil, nil
	z.stale, p.faulty = append(z.stale, &gone), true
	m.calls = append(m.calls, func(at time.Time) {
		a := access{at: at, src: src, srcAddr: m.socket(src), dst: &gone, mutual: true, flag: "CONNECT", hbone: m.appAddress(p), dstAddr: fmt.Sprintf("%s:%d", p.ip(), istio.HBONEPort)}
		a.err = fmt.Sprintf("io error: invalid peer certificate: Other(OtherError(identity verification error: peer did not present the expected SAN (%s), got %s))",
			gone.identity(), p.identity())
		z.note(a)
		(&failure{inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(CertificateUnknown) }", early: true}).atDestination(m, a, p)
	})
	return Subject{Kind: "pod", Namespace: gone.namespace, Name: gone.name, Node: z.node.name}, nil
}

// plantBehind: how many pods a ztunnel must lack to stand apart as a whole, and not by single pods.
func plantBehind(m *mesh, arg string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	const lacks = 5
	for _, p := range m.members() {
		if p.onNode != z.node && !p.touched() && len(z.missing) < lacks {
			z.missing[p], p.faulty = true, true
		}
	}
	if len(z.missing) < lacks {
		return Subject{}, ErrNoSubject
	}
	return z.subject(), nil
}

// pickService is a service with captured pods that arg names, or one that no fault was planted on.
func (m *mesh) pickService(arg string) (*meshService, error) {
	for _, s := range m.services {
		if arg != "" && arg != podKey(s.namespace, s.name) || s.through != nil || s.foreign || len(s.pods) == 0 {
			continue
		}
		p := s.pods[0]
		if p.mesh && !p.system && !p.native && !p.touched() && len(p.bound) == 0 {
			return s, nil
		}
	}
	return nil, ErrNoSubject
}

func plantServiceMissing(m *mesh, arg string) (Subject, error) {
	s, err := m.pickService(arg)
	if err != nil {
		return Subject{}, err
	}
	src, err := m.pickCaller(s.pods[0], nil, nil)
	if err != nil {
		return Subject{}, err
	}
	s.foreign = true
	src.onNode.ztunnel.lacks[s] = true
	return Subject{Kind: "service", Namespace: s.namespace, Name: s.name, Node: src.node}, nil
}

func plantUnresolvedPort(m *mesh, arg string) (Subject, error) {
	s, err := m.pickService(arg)
	if err != nil {
		return Subject{}, err
	}
	src, err := m.pickCaller(s.pods[0], nil, nil)
	if err != nil {
		return Subject{}, err
	}
	s.foreign, s.target = true, 0
	s.ports[0].TargetPort = intstr.FromString("http-alt")
	m.calls = append(m.calls, func(at time.Time) {
		dialled := fmt.Sprintf("%s:%d", s.ips[0], s.port)
		src.onNode.ztunnel.note(access{at: at, early: true, src: src, srcAddr: m.socket(src), dstAddr: dialled,
			err: fmt.Sprintf("requested service %s:%d found, but cannot resolve port", s.hostname(), s.port)})
	})
	return Subject{Kind: "service", Namespace: s.namespace, Name: s.name}, nil
}

func plantDuplicateEntry(m *mesh, _ string) (Subject, error) {
	p, err := m.pickPod("")
	if err != nil {
		return Subject{}, err
	}
	created := m.started.Truncate(time.Second)
	for i, name := range []string{"billing-api", "billing-api-v2"} {
		m.extra = append(m.extra, stored{"serviceentries", customObject(p.namespace, name, created.Add(time.Duration(i)*time.Hour), map[string]any{
			"hosts": []any{"billing.example.com"}, "location": "MESH_EXTERNAL", "resolution": "STATIC",
			"ports":     []any{map[string]any{"number": int64(443), "name": "tls", "protocol": "TLS"}},
			"endpoints": []any{map[string]any{"address": fmt.Sprintf("203.0.113.%d", 20+i)}},
		})})
	}
	for _, i := range m.istiods {
		i.lines = append(i.lines, record(m.now.Add(-25*time.Minute), "warn", "ambient", fmt.Sprintf("ServiceEntry %s/billing-api-v2 was pruned by deduplication. "+
			"Endpoints from this ServiceEntry will not be sent to the data plane.", p.namespace), ""))
	}
	return Subject{Kind: "serviceentry", Namespace: p.namespace, Name: "billing-api-v2"}, nil
}
