package fault

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// healthFaults are those of how istiod has pods and services that are not as it says.
func healthFaults() []Fault {
	return []Fault{
		{"workload-dead-node", "a node is lost, and istiod still holds its pods as healthy", plantDeadNode},
		{"workload-health-mismatch", "istiod holds a ready pod as unhealthy", on(plant.PickPod, plantMisjudged)},
		{"workload-ip-collision", "one ztunnel still holds a deleted pod whose address another pod got", plantReusedAddress},
		{"workload-divergence", "one ztunnel is behind by several pods", plantBehind},
		{"service-missing-or-vip-mismatch", "one ztunnel was never told of a service", plantServiceMissing},
		{"service-port-unresolved", "a service's target port is named by none of its pods", plantUnresolvedPort},
		{"serviceentry-deduplicated", "two ServiceEntries of a namespace name one host", plantDuplicateEntry},
	}
}

// plantDeadNode: Kubernetes knows that the node's pods are not ready, and istiod does not.
func plantDeadNode(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	if len(m.Nodes) < 3 {
		return world.Subject{}, plant.ErrNoSubject
	}
	n := z.Node
	plant.Drop(m, z)
	n.Dead, n.Ready = true, false
	n.ReadySince = m.Now.Add(-12 * time.Minute).Truncate(time.Second)
	lose := func(p *world.PodModel) { p.Ready, p.ReadySince = false, n.ReadySince }
	lose(&n.CNI.Pod)
	for _, p := range m.Pods {
		if p.OnNode == n {
			lose(&p.PodModel)
			p.Misjudged, p.Mute, p.Faulty = true, true, true
			for _, s := range p.Services {
				s.Foreign = true // what is called is not what this shows
			}
		}
	}
	return world.Subject{Kind: "node", Name: n.Name, Node: n.Name}, nil
}

func plantMisjudged(m *world.Mesh, p *world.Pod) {
	p.Misjudged, p.Faulty = true, true
}

// plantReusedAddress: calls by the service go to either, and the one that lives shows another identity.
func plantReusedAddress(m *world.Mesh, arg string) (world.Subject, error) {
	p, src, err := plant.PickPeersApart(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	z := src.OnNode.Ztunnel
	gone := *p
	gone.Name, gone.App, gone.ServiceAccount = "ratings-5d8f7c6b94-q2w8n", "ratings", "ratings"
	gone.UID = string(world.StableUID("pods", gone.Namespace, gone.Name))
	gone.Gone, gone.Services, gone.Policies, gone.Bound = true, nil, nil, nil
	z.Stale, p.Faulty = append(z.Stale, &gone), true
	m.Calls = append(m.Calls, func(at time.Time) {
		a := world.Access{At: at, Src: src, SrcAddr: m.Socket(src), Dst: &gone, Mutual: true, Flag: "CONNECT", HBONE: m.AppAddress(p), DstAddr: fmt.Sprintf("%s:%d", p.IP(), istio.HBONEPort)}
		a.Err = fmt.Sprintf("io error: invalid peer certificate: Other(OtherError(identity verification error: peer did not present the expected SAN (%s), got %s))",
			gone.Identity(), p.Identity())
		z.Note(a)
		(&world.Failure{Inbound: "tls handshake error: Custom { kind: InvalidData, error: AlertReceived(CertificateUnknown) }", Early: true}).AtDestination(m, a, p)
	})
	return world.Subject{Kind: "pod", Namespace: gone.Namespace, Name: gone.Name, Node: z.Node.Name}, nil
}

// plantBehind: how many pods a ztunnel must lack to stand apart as a whole, and not by single pods.
func plantBehind(m *world.Mesh, arg string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	const lacks = 5
	for _, p := range m.Members() {
		if p.OnNode != z.Node && !p.Touched() && len(z.Missing) < lacks {
			z.Missing[p], p.Faulty = true, true
		}
	}
	if len(z.Missing) < lacks {
		return world.Subject{}, plant.ErrNoSubject
	}
	return z.Subject(), nil
}

// pickService is a service with captured pods that arg names, or one that no fault was planted on.
func pickService(m *world.Mesh, arg string) (*world.Service, error) {
	for _, s := range m.Services {
		if arg != "" && arg != world.PodKey(s.Namespace, s.Name) || s.Through != nil || s.Foreign || len(s.Pods) == 0 {
			continue
		}
		p := s.Pods[0]
		if p.Mesh && !p.System && !p.Native && !p.Touched() && len(p.Bound) == 0 {
			return s, nil
		}
	}
	return nil, plant.ErrNoSubject
}

func plantServiceMissing(m *world.Mesh, arg string) (world.Subject, error) {
	s, err := pickService(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	src, err := plant.PickCaller(m, s.Pods[0], nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	s.Foreign = true
	src.OnNode.Ztunnel.Lacks[s] = true
	return world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name, Node: src.Node}, nil
}

func plantUnresolvedPort(m *world.Mesh, arg string) (world.Subject, error) {
	s, err := pickService(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	src, err := plant.PickCaller(m, s.Pods[0], nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	s.Foreign, s.Target = true, 0
	s.Ports[0].TargetPort = intstr.FromString("http-alt")
	m.Calls = append(m.Calls, func(at time.Time) {
		dialled := fmt.Sprintf("%s:%d", s.IPs[0], s.Port)
		src.OnNode.Ztunnel.Note(world.Access{At: at, Early: true, Src: src, SrcAddr: m.Socket(src), DstAddr: dialled,
			Err: fmt.Sprintf("requested service %s:%d found, but cannot resolve port", s.Hostname(), s.Port)})
	})
	return world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}, nil
}

func plantDuplicateEntry(m *world.Mesh, _ string) (world.Subject, error) {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return world.Subject{}, err
	}
	created := m.Started.Truncate(time.Second)
	for i, name := range []string{"billing-api", "billing-api-v2"} {
		m.Extra = append(m.Extra, world.Stored{Resource: "serviceentries", Object: world.CustomObject(p.Namespace, name, created.Add(time.Duration(i)*time.Hour), map[string]any{
			"hosts": []any{"billing.example.com"}, "location": "MESH_EXTERNAL", "resolution": "STATIC",
			"ports":     []any{map[string]any{"number": int64(443), "name": "tls", "protocol": "TLS"}},
			"endpoints": []any{map[string]any{"address": fmt.Sprintf("203.0.113.%d", 20+i)}},
		})})
	}
	for _, i := range m.Istiods {
		i.Lines = append(i.Lines, world.Record(m.Now.Add(-25*time.Minute), "warn", "ambient", fmt.Sprintf("ServiceEntry %s/billing-api-v2 was pruned by deduplication. "+
			"Endpoints from this ServiceEntry will not be sent to the data plane.", p.Namespace), ""))
	}
	return world.Subject{Kind: "serviceentry", Namespace: p.Namespace, Name: "billing-api-v2"}, nil
}
