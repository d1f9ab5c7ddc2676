package world

import (
	"fmt"
	"slices"
	"strings"
)

// rewritten is the text of /metrics after a trap's change.
func (z *Ztunnel) rewritten(text string) string {
	if z.Rewrite == nil {
		return text
	}
	return strings.Join(z.Rewrite(slices.Collect(strings.Lines(text))), "")
}

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

// Count books a connection: opened without a flag, closed and failed with it. Both sides count the
// client's bytes as received and the server's as sent, ztunnel src/proxy/metrics.rs.
func (c *counters) Count(a Access, f family) {
	flag := a.Flag
	if flag == "" || !a.Inbound && !f.outboundFlags() {
		flag = "-"
	}
	opened, closed := a.labels("-"), a.labels(flag)
	c.add("istio_tcp_connections_opened", opened, 1)
	c.add("istio_tcp_connections_closed", closed, 1)
	if a.Err != "" && f.failedConnections() {
		c.add("istio_tcp_connections_failed", closed, 1)
	}
	if a.Err == "" {
		c.add("istio_tcp_received_bytes", closed, a.Request)
		c.add("istio_tcp_sent_bytes", closed, a.Response)
	}
}

const unset = "unknown"

// labels are ztunnel's CommonTrafficLabels, in its order.
func (a Access) labels(flag string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "reporter=%q", Choose(a.Inbound, "destination", "source"))
	a.peerLabels(&out, "source", a.Src)
	service, namespace, name := unset, unset, unset
	if a.Service != nil {
		service, namespace, name = a.Service.Hostname(), a.Service.Namespace, a.Service.Name
	}
	fmt.Fprintf(&out, ",destination_service=%q,destination_service_namespace=%q,destination_service_name=%q", service, namespace, name)
	a.peerLabels(&out, "destination", a.Dst)
	fmt.Fprintf(&out, `,request_protocol="tcp",response_flags=%q,connection_security_policy=%q`, flag, Choose(a.Mutual, "mutual_tls", unset))
	for _, side := range []struct {
		name string
		pod  *Pod
	}{{"source", a.Src}, {"destination", a.Dst}} {
		region, zone := unset, unset
		if side.pod != nil {
			region, zone = side.pod.region(), side.pod.OnNode.Zone
		}
		fmt.Fprintf(&out, ",%s_region=%q,%s_zone=%q", side.name, region, side.name, zone)
	}
	return out.String()
}

func (a Access) peerLabels(out *strings.Builder, side string, p *Pod) {
	workload, app, revision, namespace, principal, cluster := unset, unset, unset, unset, unset, unset
	if p != nil {
		workload, app, revision, namespace, cluster = p.workloadName(), p.App, p.revision(), p.Namespace, p.cluster
		// The destination's principal is what the control plane says; the source's is proven.
		if a.Mutual || side == "destination" {
			principal = p.Identity()
		}
	}
	fmt.Fprintf(out, ",%s_workload=%q,%s_canonical_service=%q,%s_canonical_revision=%q,%s_workload_namespace=%q,"+
		"%s_principal=%q,%s_app=%q,%s_version=%q,%s_cluster=%q",
		side, workload, side, app, side, revision, side, namespace, side, principal, side, app, side, revision, side, cluster)
}

// Metrics renders GET /metrics: the recorded families in their order, with this ztunnel's samples.
func (z *Ztunnel) Metrics() ([]byte, error) {
	template, err := z.Family.read("metrics.txt")
	if err != nil {
		return nil, err
	}
	samples := z.samples()
	var out, head strings.Builder
	current := ""
	flush := func() {
		text := samples[current]
		if text != "" || z.Family.emptyFamilies() && head.Len() > 0 {
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
func (z *Ztunnel) samples() map[string]string {
	out := map[string]string{"istio_build": fmt.Sprintf("istio_build{component=\"ztunnel\",tag=%q} 1\n", z.Version)}
	for name, series := range z.Series.values {
		var text strings.Builder
		for _, labels := range z.Series.order[name] {
			fmt.Fprintf(&text, "%s_total{%s} %d\n", name, labels, series[labels])
		}
		out[name] = text.String()
	}
	for _, reason := range SortedKeys(z.Ends) {
		out["istio_xds_connection_terminations"] += fmt.Sprintf("istio_xds_connection_terminations_total{reason=%q} %d\n", reason, z.Ends[reason])
	}
	if !z.Empty {
		for i, url := range []string{AddressType, authorizationType} {
			size := []int{180 * len(z.mesh.Pods), 118*len(z.mesh.Policies) + 20}[i]
			out["istio_xds_message"] += fmt.Sprintf("istio_xds_message_total{url=%q} 1\n", url)
			out["istio_xds_message_bytes"] += fmt.Sprintf("istio_xds_message_bytes_total{url=%q} %d\n", url, size)
		}
	}
	if z.Family.failedConnections() {
		out["istio_tcp_sockets_open"] = "istio_tcp_sockets_open{reporter=\"destination\"} 0\nistio_tcp_sockets_open{reporter=\"source\"} 0\n"
	}
	up, pending := z.proxies()
	out["workload_manager_active_proxy_count"] = fmt.Sprintf("workload_manager_active_proxy_count %d\n", up)
	out["workload_manager_pending_proxy_count"] = fmt.Sprintf("workload_manager_pending_proxy_count %d\n", pending)
	out["workload_manager_proxies_started"] = fmt.Sprintf("workload_manager_proxies_started_total %d\n", up)
	out["workload_manager_proxies_stopped"] = "workload_manager_proxies_stopped_total 0\n"
	return out
}

func (z *Ztunnel) proxies() (up, pending int) {
	for _, p := range z.Locals() {
		if p.Proxy == ProxyUp {
			up++
		} else {
			pending++
		}
	}
	return up, pending
}

// The type URLs that a ztunnel subscribes to.
const (
	AddressType       = "type.googleapis.com/istio.workload.Address"
	authorizationType = "type.googleapis.com/istio.security.Authorization"
)

// sortLines puts the log in order of time.
func sortLines(lines []LogLine) {
	slices.SortStableFunc(lines, func(a, b LogLine) int { return a.At.Compare(b.At) })
}
