package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func balanceFaults() []Fault {
	return []Fault{
		{"lb-strict-locality-empty", "a service with internalTrafficPolicy Local is called from nodes without an endpoint of it", plantLocalOnly},
		{"lb-locality-labels-missing", "a service asks for near endpoints, and no node says where it is", plantNoTopology},
		{"lb-leaked-allowall", "istiod lets unready pods of a service be called that does not ask for it", plantLeakedHealthPolicy},
		{"se-none-no-endpoints", "a ServiceEntry of resolution NONE has an address, and istiod can't pass it through", showing((*mesh).pickPod, plantEntryWithoutResolution)},
		{"dns-upstream-failing", "the cluster's DNS answers one node late", on((*mesh).pickZtunnel, plantSlowDNS)},
		{"dns-message-skew", "a ztunnel drops the DNS answers that a newer CNI agent's rules send round", on((*mesh).pickZtunnel, plantDNSSkew)},
		{"dns-hostname-workload-unresolved", "the host of a ServiceEntry does not resolve", plantUnresolved},
		{"dns-capture-off-mixed", "one pod opts into DNS capture, which the mesh has off", on((*mesh).pickPod, plantDNSCaptureMixed)},
	}
}

// pickCalled is a service of the mesh's pods that is called without a waypoint, with a captured caller of it.
func (m *mesh) pickCalled(arg string) (*meshService, *meshPod, error) {
	for _, s := range m.services {
		if arg != "" && arg != podKey(s.namespace, s.name) || s.through != nil || s.balance != nil || s.foreign || len(s.pods) == 0 || s.pods[0].system ||
			!s.pods[0].mesh || s.pods[0].native || len(s.pods[0].bound) > 0 || s.pods[0].touched() {
			continue
		}
		on := map[*meshNode]bool{}
		for _, p := range s.pods {
			on[p.onNode] = true
		}
		for _, p := range m.members() {
			if !on[p.onNode] && p.app != s.app && !p.touched() && !p.onNode.ztunnel.mute() {
				return s, p, nil
			}
		}
	}
	return nil, nil, ErrNoSubject
}

func (s *meshService) subject() Subject {
	return Subject{Kind: "service", Namespace: s.namespace, Name: s.name}
}

// amendService changes the service's object before it is served.
func (m *mesh) amendService(s *meshService, change func(*corev1.Service)) {
	m.amend = append(m.amend, func(o stored) {
		if svc, ok := o.object.(*corev1.Service); ok && svc.Namespace == s.namespace && svc.Name == s.name {
			change(svc)
		}
	})
}

func plantLocalOnly(m *mesh, arg string) (Subject, error) {
	s, src, err := m.pickCalled(arg)
	if err != nil {
		return Subject{}, err
	}
	s.balance = &loadBalancing{mode: "Strict", scopes: []string{"Node"}}
	local := corev1.ServiceInternalTrafficPolicyLocal
	m.amendService(s, func(svc *corev1.Service) { svc.Spec.InternalTrafficPolicy = &local })
	m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
	return s.subject(), nil
}

func plantNoTopology(m *mesh, arg string) (Subject, error) {
	s, _, err := m.pickCalled(arg)
	if err != nil {
		return Subject{}, err
	}
	s.balance = &loadBalancing{mode: "Failover", scopes: []string{"Network", "Region", "Zone"}}
	near := corev1.ServiceTrafficDistributionPreferClose
	m.amendService(s, func(svc *corev1.Service) { svc.Spec.TrafficDistribution = &near })
	for _, n := range m.nodes {
		n.zone = ""
	}
	return s.subject(), nil
}

func plantLeakedHealthPolicy(m *mesh, arg string) (Subject, error) {
	s, _, err := m.pickCalled(arg)
	if err != nil {
		return Subject{}, err
	}
	s.balance = &loadBalancing{mode: "Standard", unhealthy: true}
	return s.subject(), nil
}

// addEntry gives the mesh a ServiceEntry of one host; ztunnels hold it as a service without endpoints.
func (m *mesh) addEntry(namespace, name, host, address, resolution string, status map[string]any) *meshService {
	s := m.addService(namespace, name, "", 443, 443)
	s.host, s.ips, s.foreign, s.selector = host, []string{address}, true, nil
	entry := customObject(namespace, name, m.started.Truncate(time.Second), map[string]any{
		"hosts": []any{host}, "addresses": []any{address}, "resolution": resolution, "location": "MESH_EXTERNAL",
		"ports": []any{map[string]any{"number": int64(443), "name": "tls", "protocol": "TLS"}},
	})
	if status != nil {
		entry.Object["status"] = status
	}
	m.extra = append(m.extra, stored{"serviceentries", entry})
	return s
}

func plantEntryWithoutResolution(m *mesh, src *meshPod) Subject {
	s := m.addEntry(src.namespace, "licences", "licences.example", "240.240.7.9", "NONE", nil)
	m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
	return Subject{Kind: "serviceentry", Namespace: s.namespace, Name: s.name}
}

// plantSlowDNS prints the answers' times as ztunnel src/dns/metrics.rs does.
func plantSlowDNS(m *mesh, z *ztunnel) {
	z.rewrite = func(lines []string) []string {
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

func plantDNSSkew(m *mesh, z *ztunnel) {
	for n := range 40 {
		z.lines = append(z.lines, record(m.now.Add(-8*time.Minute+time.Duration(n)*11*time.Second), "warn", "hickory_proto::udp::udp_client_stream",
			fmt.Sprintf("expected message id: %d got: %d, dropped", 1000+m.random.IntN(60000), 1000+m.random.IntN(60000)), ""))
	}
}

func plantUnresolved(m *mesh, arg string) (Subject, error) {
	src, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	s := m.addEntry(src.namespace, "billing", "billing.partner.example", "240.240.7.8", "DNS", nil)
	m.calls = append(m.calls, func(at time.Time) {
		src.onNode.ztunnel.note(access{at: at, early: true, src: src, srcAddr: m.socket(src), dstAddr: s.ips[0] + ":443",
			err: "no ip addresses were resolved for workload: " + s.host})
	})
	return s.subject(), nil
}

func plantDNSCaptureMixed(m *mesh, p *meshPod) {
	p.annotations[istio.DNSCaptureAnnotation] = "true"
	m.amend = append(m.amend, func(o stored) {
		if c, ok := o.object.(*corev1.ConfigMap); ok && c.Name == istio.CNIConfigMap {
			c.Data["AMBIENT_DNS_CAPTURE"] = "false"
		}
	})
}
