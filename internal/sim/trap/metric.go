package trap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func metricTraps() []Trap {
	return []Trap{
		{"families-absent", "metric families that nothing was counted in are left out: absent is not zero", "", layAbsentFamilies},
		{"counters-since-long", "counters that still hold denials of a policy that was fixed last week", "", layOldCounters},
		{"nxdomain-storm", "most DNS answers are NXDOMAIN, as search domains make them, and ztunnel counts them as upstream failures", "", layNXDOMAIN},
		{"descriptors-underflow", "process_open_fds far beyond any limit: /proc could not be read", "hint", layUnderflow},
	}
}

// rewrite changes what every ztunnel's /metrics prints.
func rewrite(m *world.Mesh, change func(lines []string) []string) {
	for _, n := range m.Nodes {
		n.Ztunnel.Rewrite = change
	}
}

func layAbsentFamilies(m *world.Mesh) error {
	absent := []string{"workload_manager_pending_proxy_count", "workload_manager_proxies_stopped", "istio_xds_message", "process_open_fds"}
	rewrite(m, func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool {
			return slices.ContainsFunc(absent, func(family string) bool { return strings.Contains(line, family) })
		})
	})
	for _, n := range m.Nodes {
		n.CNI.Uncounted = true
	}
	return nil
}

func layOldCounters(m *world.Mesh) error {
	dst, src, err := plant.PickPeers(m, "")
	if err != nil {
		return err
	}
	m.After = append(m.After, func() {
		in := world.Access{Src: src, Dst: dst, Inbound: true, Mutual: true, Flag: "DENY", Err: "connection closed due to policy rejection"}
		if len(dst.Services) > 0 {
			in.Service = dst.Services[0]
		}
		out := in
		out.Inbound, out.Flag, out.Err = false, "CONNECT", "http status: 401 Unauthorized"
		for range 400 {
			dst.OnNode.Ztunnel.Series.Count(in, m.Family)
			src.OnNode.Ztunnel.Series.Count(out, m.Family)
		}
	})
	return nil
}

// layNXDOMAIN counts what resolvers with ndots:5 ask for, ztunnel src/dns/metrics.rs.
func layNXDOMAIN(m *world.Mesh) error {
	const labels = `{request_query_type="A",request_protocol="udp",source_canonical_service="frontend",source_canonical_revision="v1"}`
	rewrite(m, func(lines []string) []string {
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "# EOF") || strings.Contains(line, " istio_dns_requests") || strings.Contains(line, " istio_dns_upstream")
		})
		for _, family := range []struct {
			name, help string
			count      int
		}{
			{"istio_dns_requests", "Total number of DNS requests (unstable)", 120000},
			{"istio_dns_upstream_requests", "Total number of DNS requests forwarded to upstream (unstable)", 120000},
			{"istio_dns_upstream_failures", "Total number of DNS requests that failed to forward upstream (unstable)", 96000},
		} {
			lines = append(lines, fmt.Sprintf("# HELP %[1]s %[2]s.\n# TYPE %[1]s counter\n%[1]s_total%[3]s %[4]d\n", family.name, family.help, labels, family.count))
		}
		const seconds = "istio_dns_upstream_request_duration_seconds"
		lines = append(lines, fmt.Sprintf("# HELP %[1]s Total time in seconds Istio takes to get DNS response from upstream (unstable).\n# TYPE %[1]s histogram\n# UNIT %[1]s seconds\n", seconds))
		open := strings.TrimSuffix(labels, "}")
		for _, le := range []string{"0.005", "0.01", "0.1", "1.0", "10.0", "+Inf"} {
			lines = append(lines, fmt.Sprintf("%s_bucket%s,le=%q} 120000\n", seconds, open, le))
		}
		return append(lines, fmt.Sprintf("%s_sum%s 96.0\n%s_count%s 120000\n", seconds, labels, seconds, labels), "# EOF\n")
	})
	return nil
}

func layUnderflow(m *world.Mesh) error {
	rewrite(m, plant.NegativeCount)
	return nil
}
