package sim

import (
	"fmt"
	"slices"
	"strings"
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
func (m *mesh) rewrite(change func(lines []string) []string) {
	for _, n := range m.nodes {
		n.ztunnel.rewrite = change
	}
}

// rewritten is the text of /metrics after a trap's change.
func (z *ztunnel) rewritten(text string) string {
	if z.rewrite == nil {
		return text
	}
	return strings.Join(z.rewrite(slices.Collect(strings.Lines(text))), "")
}

func layAbsentFamilies(m *mesh) error {
	absent := []string{"workload_manager_pending_proxy_count", "workload_manager_proxies_stopped", "istio_xds_message", "process_open_fds"}
	m.rewrite(func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool {
			return slices.ContainsFunc(absent, func(family string) bool { return strings.Contains(line, family) })
		})
	})
	for _, n := range m.nodes {
		n.cni.uncounted = true
	}
	return nil
}

func layOldCounters(m *mesh) error {
	dst, src, err := m.pickPeers("")
	if err != nil {
		return err
	}
	m.after = append(m.after, func() {
		in := access{src: src, dst: dst, inbound: true, mutual: true, flag: "DENY", err: "connection closed due to policy rejection"}
		if len(dst.services) > 0 {
			in.service = dst.services[0]
		}
		out := in
		out.inbound, out.flag, out.err = false, "CONNECT", "http status: 401 Unauthorized"
		for range 400 {
			dst.onNode.ztunnel.series.count(in, m.family)
			src.onNode.ztunnel.series.count(out, m.family)
		}
	})
	return nil
}

// layNXDOMAIN counts what resolvers with ndots:5 ask for, ztunnel src/dns/metrics.rs.
func layNXDOMAIN(m *mesh) error {
	const labels = `{request_query_type="A",request_protocol="udp",source_canonical_service="frontend",source_canonical_revision="v1"}`
	m.rewrite(func(lines []string) []string {
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

func layUnderflow(m *mesh) error {
	m.rewrite(negativeCount)
	return nil
}

// negativeCount is what a ztunnel prints that can't read /proc: nothing, less the descriptor that it reads with.
func negativeCount(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(line, "process_open_fds ") {
			lines[i] = "process_open_fds 18446744073709551615\n"
		}
	}
	return lines
}
