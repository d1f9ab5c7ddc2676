package sim

import (
	"fmt"
	"slices"
	"strings"
)

// counters are a ztunnel's traffic counters: per family and label set, in the order of first use.
type counters struct {
	values map[string]map[string]int64
	order  map[string][]string
}

func newCounters() *counters {
	return &counters{values: map[string]map[string]int64{}, order: map[string][]string{}}
}

func (c *counters) add(name, labels string, n int64) {
	if c.values[name] == nil {
		c.values[name] = map[string]int64{}
	}
	if _, ok := c.values[name][labels]; !ok {
		c.order[name] = append(c.order[name], labels)
	}
	c.values[name][labels] += n
}

// count books a connection: opened without a flag, closed and failed with it. Both sides count the
// client's bytes as received and the server's as sent, ztunnel src/proxy/metrics.rs.
func (c *counters) count(a access, f family) {
	flag := a.flag
	if flag == "" || !a.inbound && !f.outboundFlags() {
		flag = "-"
	}
	opened, closed := a.labels("-"), a.labels(flag)
	c.add("istio_tcp_connections_opened", opened, 1)
	c.add("istio_tcp_connections_closed", closed, 1)
	if a.err != "" && f.failedConnections() {
		c.add("istio_tcp_connections_failed", closed, 1)
	}
	if a.err == "" {
		c.add("istio_tcp_received_bytes", closed, a.request)
		c.add("istio_tcp_sent_bytes", closed, a.response)
	}
}

const unset = "unknown"

// labels are ztunnel's CommonTrafficLabels, in its order.
func (a access) labels(flag string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "reporter=%q", choose(a.inbound, "destination", "source"))
	a.peerLabels(&out, "source", a.src)
	service, namespace, name := unset, unset, unset
	if a.service != nil {
		service, namespace, name = a.service.hostname(), a.service.namespace, a.service.name
	}
	fmt.Fprintf(&out, ",destination_service=%q,destination_service_namespace=%q,destination_service_name=%q", service, namespace, name)
	a.peerLabels(&out, "destination", a.dst)
	fmt.Fprintf(&out, `,request_protocol="tcp",response_flags=%q,connection_security_policy=%q`, flag, choose(a.mutual, "mutual_tls", unset))
	for _, side := range []struct {
		name string
		pod  *meshPod
	}{{"source", a.src}, {"destination", a.dst}} {
		region, zone := unset, unset
		if side.pod != nil {
			region, zone = side.pod.region(), side.pod.onNode.zone
		}
		fmt.Fprintf(&out, ",%s_region=%q,%s_zone=%q", side.name, region, side.name, zone)
	}
	return out.String()
}

func (a access) peerLabels(out *strings.Builder, side string, p *meshPod) {
	workload, app, revision, namespace, principal, cluster := unset, unset, unset, unset, unset, unset
	if p != nil {
		workload, app, revision, namespace, cluster = p.workloadName(), p.app, p.revision(), p.namespace, p.cluster
		// The destination's principal is what the control plane says; the source's is proven.
		if a.mutual || side == "destination" {
			principal = p.identity()
		}
	}
	fmt.Fprintf(out, ",%s_workload=%q,%s_canonical_service=%q,%s_canonical_revision=%q,%s_workload_namespace=%q,"+
		"%s_principal=%q,%s_app=%q,%s_version=%q,%s_cluster=%q",
		side, workload, side, app, side, revision, side, namespace, side, principal, side, app, side, revision, side, cluster)
}

// metrics renders GET /metrics: the recorded families in their order, with this ztunnel's samples.
func (z *ztunnel) metrics() ([]byte, error) {
	template, err := z.family.read("metrics.txt")
	if err != nil {
		return nil, err
	}
	samples := z.samples()
	var out, head strings.Builder
	current := ""
	flush := func() {
		text := samples[current]
		if text != "" || z.family.emptyFamilies() && head.Len() > 0 {
			out.WriteString(head.String())
			out.WriteString(text)
		}
		head.Reset()
	}
	for line := range strings.Lines(string(template)) {
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			flush()
			current, _, _ = strings.Cut(name, " ")
		}
		if strings.HasPrefix(line, "#") {
			head.WriteString(line)
		} else {
			samples[current] += line
		}
	}
	flush()
	out.WriteString("# EOF\n")
	return []byte(z.rewritten(out.String())), nil
}

// samples are the sample lines of each family.
func (z *ztunnel) samples() map[string]string {
	out := map[string]string{"istio_build": fmt.Sprintf("istio_build{component=\"ztunnel\",tag=%q} 1\n", z.version)}
	for name, series := range z.series.values {
		var text strings.Builder
		for _, labels := range z.series.order[name] {
			fmt.Fprintf(&text, "%s_total{%s} %d\n", name, labels, series[labels])
		}
		out[name] = text.String()
	}
	for _, reason := range sortedKeys(z.ends) {
		out["istio_xds_connection_terminations"] += fmt.Sprintf("istio_xds_connection_terminations_total{reason=%q} %d\n", reason, z.ends[reason])
	}
	if !z.empty {
		for i, url := range []string{addressType, authorizationType} {
			size := []int{180 * len(z.mesh.pods), 118*len(z.mesh.policies) + 20}[i]
			out["istio_xds_message"] += fmt.Sprintf("istio_xds_message_total{url=%q} 1\n", url)
			out["istio_xds_message_bytes"] += fmt.Sprintf("istio_xds_message_bytes_total{url=%q} %d\n", url, size)
		}
	}
	if z.family.failedConnections() {
		out["istio_tcp_sockets_open"] = "istio_tcp_sockets_open{reporter=\"destination\"} 0\nistio_tcp_sockets_open{reporter=\"source\"} 0\n"
	}
	up, pending := z.proxies()
	out["workload_manager_active_proxy_count"] = fmt.Sprintf("workload_manager_active_proxy_count %d\n", up)
	out["workload_manager_pending_proxy_count"] = fmt.Sprintf("workload_manager_pending_proxy_count %d\n", pending)
	out["workload_manager_proxies_started"] = fmt.Sprintf("workload_manager_proxies_started_total %d\n", up)
	out["workload_manager_proxies_stopped"] = "workload_manager_proxies_stopped_total 0\n"
	return out
}

func (z *ztunnel) proxies() (up, pending int) {
	for _, p := range z.locals() {
		if p.proxy == proxyUp {
			up++
		} else {
			pending++
		}
	}
	return up, pending
}

// The type URLs that a ztunnel subscribes to.
const (
	addressType       = "type.googleapis.com/istio.workload.Address"
	authorizationType = "type.googleapis.com/istio.security.Authorization"
)

// sortLines puts the log in order of time.
func sortLines(lines []logLine) {
	slices.SortStableFunc(lines, func(a, b logLine) int { return a.at.Compare(b.at) })
}
