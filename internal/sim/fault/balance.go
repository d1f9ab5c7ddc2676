package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func balanceFaults() []Fault {
	return []Fault{
		{"lb-strict-locality-empty", "a service with internalTrafficPolicy Local is called from nodes without an endpoint of it", plantLocalOnly},
		{"lb-locality-labels-missing", "a service asks for near endpoints, and no node says where it is", plantNoTopology},
		{"lb-leaked-allowall", "istiod lets unready pods of a service be called that does not ask for it", plantLeakedHealthPolicy},
		{"se-none-no-endpoints", "a ServiceEntry of resolution NONE has an address, and istiod can't pass it through", showing(plant.PickPod, plantEntryWithoutResolution)},
		{"dns-upstream-failing", "the cluster's DNS answers one node late", on(plant.PickZtunnel, plantSlowDNS)},
		{"dns-message-skew", "a ztunnel drops the DNS answers that a newer CNI agent's rules send round", on(plant.PickZtunnel, plantDNSSkew)},
		{"dns-hostname-workload-unresolved", "the host of a ServiceEntry does not resolve", plantUnresolved},
		{"dns-capture-off-mixed", "one pod opts into DNS capture, which the mesh has off", on(plant.PickPod, plantDNSCaptureMixed)},
	}
}

// pickCalled is a service of the mesh's pods that is called without a waypoint, with a captured caller of it.
func pickCalled(m *world.Mesh, arg string) (*world.Service, *world.Pod, error) {
	for _, s := range m.Services {
		if arg != "" && arg != world.PodKey(s.Namespace, s.Name) || s.Through != nil || s.Balance != nil || s.Foreign || len(s.Pods) == 0 || s.Pods[0].System ||
			!s.Pods[0].Mesh || s.Pods[0].Native || len(s.Pods[0].Bound) > 0 || s.Pods[0].Touched() {
			continue
		}
		on := map[*world.Node]bool{}
		for _, p := range s.Pods {
			on[p.OnNode] = true
		}
		for _, p := range m.Members() {
			if !on[p.OnNode] && p.App != s.App && !p.Touched() && !p.OnNode.Ztunnel.Mute() {
				return s, p, nil
			}
		}
	}
	return nil, nil, plant.ErrNoSubject
}

// amendService changes the service's object before it is served.
func amendService(m *world.Mesh, s *world.Service, change func(*corev1.Service)) {
	m.Amend = append(m.Amend, func(o world.Stored) {
		if svc, ok := o.Object.(*corev1.Service); ok && svc.Namespace == s.Namespace && svc.Name == s.Name {
			change(svc)
		}
	})
}

func plantLocalOnly(m *world.Mesh, arg string) (world.Subject, error) {
	s, src, err := pickCalled(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	s.Balance = &world.LoadBalancing{Mode: "Strict", Scopes: []string{"Node"}}
	local := corev1.ServiceInternalTrafficPolicyLocal
	amendService(m, s, func(svc *corev1.Service) { svc.Spec.InternalTrafficPolicy = &local })
	m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
	return s.Subject(), nil
}

func plantNoTopology(m *world.Mesh, arg string) (world.Subject, error) {
	s, _, err := pickCalled(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	s.Balance = &world.LoadBalancing{Mode: "Failover", Scopes: []string{"Network", "Region", "Zone"}}
	near := corev1.ServiceTrafficDistributionPreferClose
	amendService(m, s, func(svc *corev1.Service) { svc.Spec.TrafficDistribution = &near })
	for _, n := range m.Nodes {
		n.Zone = ""
	}
	return s.Subject(), nil
}

func plantLeakedHealthPolicy(m *world.Mesh, arg string) (world.Subject, error) {
	s, _, err := pickCalled(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	s.Balance = &world.LoadBalancing{Mode: "Standard", Unhealthy: true}
	return s.Subject(), nil
}

// addEntry gives the mesh a ServiceEntry of one host; ztunnels hold it as a service without endpoints.
func addEntry(m *world.Mesh, namespace, name, host, address, resolution string, status map[string]any) *world.Service {
	s := m.AddService(namespace, name, "", 443, 443)
	s.Host, s.IPs, s.Foreign, s.Selector = host, []string{address}, true, nil
	entry := world.CustomObject(namespace, name, m.Started.Truncate(time.Second), map[string]any{
		"hosts": []any{host}, "addresses": []any{address}, "resolution": resolution, "location": "MESH_EXTERNAL",
		"ports": []any{map[string]any{"number": int64(443), "name": "tls", "protocol": "TLS"}},
	})
	if status != nil {
		entry.Object["status"] = status
	}
	m.Extra = append(m.Extra, world.Stored{Resource: "serviceentries", Object: entry})
	return s
}

func plantEntryWithoutResolution(m *world.Mesh, src *world.Pod) world.Subject {
	s := addEntry(m, src.Namespace, "licences", "licences.example", "240.240.7.9", "NONE", nil)
	m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
	return world.Subject{Kind: "serviceentry", Namespace: s.Namespace, Name: s.Name}
}

// plantSlowDNS prints the answers' times as ztunnel src/dns/metrics.rs does.
func plantSlowDNS(m *world.Mesh, z *world.Ztunnel) {
	z.Rewrite = func(lines []string) []string {
		const family = "istio_dns_upstream_request_duration_seconds"
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "# EOF") || strings.Contains(line, " "+family) })
		lines = append(lines, fmt.Sprintf("# HELP %[1]s Total time in seconds Istio takes to get DNS response from upstream (unstable).\n# TYPE %[1]s histogram\n# UNIT %[1]s seconds\n", family))
		for _, app := range []string{"frontend", "catalog"} {
			labels := fmt.Sprintf(`request_query_type="A",request_protocol="udp",source_canonical_service=%q`, app)
			for _, bucket := range []struct {
				le string
				n  int
			}{{"0.005", 310}, {"0.01", 402}, {"0.1", 540}, {"1.0", 560}, {"10.0", 800}, {"+Inf", 800}} {
				lines = append(lines, fmt.Sprintf("%s_bucket{%s,le=%q} %d\n", family, labels, bucket.le, bucket.n))
			}
			lines = append(lines, fmt.Sprintf("%[1]s_sum{%[2]s} 812.5\n%[1]s_count{%[2]s} 800\n", family, labels))
		}
		return append(lines, "# EOF\n")
	}
}

func plantDNSSkew(m *world.Mesh, z *world.Ztunnel) {
	for n := range 40 {
		z.Lines = append(z.Lines, world.Record(m.Now.Add(-8*time.Minute+time.Duration(n)*11*time.Second), "warn", "hickory_proto::udp::udp_client_stream",
			fmt.Sprintf("expected message id: %d got: %d, dropped", 1000+m.Random.IntN(60000), 1000+m.Random.IntN(60000)), ""))
	}
}

func plantUnresolved(m *world.Mesh, arg string) (world.Subject, error) {
	src, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	s := addEntry(m, src.Namespace, "billing", "billing.partner.example", "240.240.7.8", "DNS", nil)
	m.Calls = append(m.Calls, func(at time.Time) {
		src.OnNode.Ztunnel.Note(world.Access{At: at, Early: true, Src: src, SrcAddr: m.Socket(src), DstAddr: s.IPs[0] + ":443",
			Err: "no ip addresses were resolved for workload: " + s.Host})
	})
	return s.Subject(), nil
}

func plantDNSCaptureMixed(m *world.Mesh, p *world.Pod) {
	p.Annotations[istio.DNSCaptureAnnotation] = "true"
	m.Amend = append(m.Amend, func(o world.Stored) {
		if c, ok := o.Object.(*corev1.ConfigMap); ok && c.Name == istio.CNIConfigMap {
			c.Data["AMBIENT_DNS_CAPTURE"] = "false"
		}
	})
}
