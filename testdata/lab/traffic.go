package lab

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// appPort is where every application listens.
const appPort = 9080

// call lets src call a service, served by dst, and books it at both ends as
// their ztunnels do (src/proxy/metrics.rs). A plain call goes without HBONE.
func (w *world) call(t *testing.T, src, dst *corev1.Pod, plain bool) {
	t.Helper()
	w.sockets++
	if z := w.ztunnels[src.Spec.NodeName]; z.holds(src) {
		z.book(t, src, dst, w.sockets, "outbound", plain)
	}
	if z := w.ztunnels[dst.Spec.NodeName]; z.holds(dst) {
		z.book(t, src, dst, w.sockets, "inbound", plain)
	}
}

func (z *standIn) holds(p *corev1.Pod) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	_, ok := z.state.proxies[string(p.UID)]
	return ok
}

func (z *standIn) book(t *testing.T, src, dst *corev1.Pod, socket int, direction string, plain bool) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.log(t, access(src, dst, socket, direction, plain))
	sent, received := 79, 136
	if direction == "inbound" {
		sent, received = received, sent
	}
	labels := labelsOf(src, dst, direction, plain)
	for name, by := range map[string]int{
		"istio_tcp_connections_opened_total": 1, "istio_tcp_connections_closed_total": 1,
		"istio_tcp_sent_bytes_total": sent, "istio_tcp_received_bytes_total": received,
	} {
		z.state.series[name+labels] += by
	}
}

func serviceOf(dst *corev1.Pod) string {
	return dst.Labels["app"] + "." + dst.Namespace + ".svc.cluster.local"
}

// access is the record of a connection that ended well.
func access(src, dst *corev1.Pod, socket int, direction string, plain bool) string {
	source, destination, port, inner := "", "", appPort, ""
	if !plain {
		source, destination = fmt.Sprintf(" src.identity=%q", identity(src)), fmt.Sprintf(" dst.identity=%q", identity(dst))
		port, inner = 15008, fmt.Sprintf(" dst.hbone_addr=%s:%d", dst.Status.PodIP, appPort)
	}
	sent, received := 79, 136
	if direction == "inbound" {
		sent, received = received, sent
	}
	return fmt.Sprintf("info\taccess\tconnection complete\t"+
		"src.addr=%s:%d src.workload=%q src.namespace=%q%s src.cluster=\"Kubernetes\" "+
		"dst.addr=%s:%d%s dst.service=%q dst.workload=%q dst.namespace=%q%s dst.cluster=\"Kubernetes\" "+
		"direction=%q bytes_sent=%d bytes_recv=%d duration=\"4ms\"",
		src.Status.PodIP, 40000+socket, src.Name, src.Namespace, source,
		dst.Status.PodIP, port, inner, serviceOf(dst), dst.Name, dst.Namespace, destination,
		direction, sent, received)
}

// labelsOf are the labels of the traffic metrics, in ztunnel's order.
func labelsOf(src, dst *corev1.Pod, direction string, plain bool) string {
	reporter, policy, principal := "source", "mutual_tls", identity(src)
	if direction == "inbound" {
		reporter = "destination"
	}
	if plain {
		policy, principal = "unknown", "unknown"
	}
	var out strings.Builder
	label := func(name, value string) { fmt.Fprintf(&out, "%s=%q,", name, value) }
	workload := func(side string, p *corev1.Pod, principal string) {
		app := p.Labels["app"]
		label(side+"_workload", app)
		label(side+"_canonical_service", app)
		label(side+"_canonical_revision", "latest")
		label(side+"_workload_namespace", p.Namespace)
		label(side+"_principal", principal)
		label(side+"_app", app)
		label(side+"_version", "latest")
		label(side+"_cluster", "Kubernetes")
	}
	label("reporter", reporter)
	workload("source", src, principal)
	label("destination_service", serviceOf(dst))
	label("destination_service_namespace", dst.Namespace)
	label("destination_service_name", dst.Labels["app"])
	workload("destination", dst, identity(dst))
	label("request_protocol", "tcp")
	label("response_flags", "-")
	label("connection_security_policy", policy)
	for _, place := range []string{"source_region", "source_zone", "destination_region", "destination_zone"} {
		label(place, "unknown")
	}
	return "{" + strings.TrimSuffix(out.String(), ",") + "}"
}

// metrics is GET /metrics.
func (z *standIn) metrics() ([]byte, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	var out bytes.Buffer
	family := func(name, kind, help string, lines ...string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		for _, l := range lines {
			fmt.Fprintf(&out, "%s\n", l)
		}
	}
	family("istio_build", "gauge", "Istio component build info.", `istio_build{component="ztunnel",tag="unknown"} 1`)
	family("istio_xds_message", "counter", "Total number of messages received (unstable).",
		`istio_xds_message_total{url="type.googleapis.com/istio.workload.Address"} 1`,
		`istio_xds_message_total{url="type.googleapis.com/istio.security.Authorization"} 1`)
	if z.state.failures > 0 {
		family("istio_xds_connection_terminations", "counter", "The total number of completed connections to xds server (unstable).",
			fmt.Sprintf(`istio_xds_connection_terminations_total{reason="ConnectionError"} %d`, z.state.failures))
	}
	for _, f := range [][2]string{
		{"istio_tcp_connections_opened", "The total number of TCP connections opened."},
		{"istio_tcp_connections_closed", "The total number of TCP connections closed."},
		{"istio_tcp_received_bytes", "The size of total bytes received during request in case of a TCP connection."},
		{"istio_tcp_sent_bytes", "The size of total bytes sent during response in case of a TCP connection."},
	} {
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(z.state.series)) {
			if strings.HasPrefix(key, f[0]+"_total{") {
				lines = append(lines, fmt.Sprintf("%s %d", key, z.state.series[key]))
			}
		}
		family(f[0], "counter", f[1], lines...)
	}
	proxies := len(z.state.proxies)
	family("workload_manager_active_proxy_count", "gauge", "The total number current workloads with active proxies (unstable).",
		fmt.Sprintf("workload_manager_active_proxy_count %d", proxies))
	family("workload_manager_pending_proxy_count", "gauge", "The total number current workloads with pending proxies (unstable).",
		"workload_manager_pending_proxy_count 0")
	family("workload_manager_proxies_started", "counter", "The total number of proxies that were started (unstable).",
		fmt.Sprintf("workload_manager_proxies_started_total %d", proxies))
	family("workload_manager_proxies_stopped", "counter", "The total number of proxies that were stopped (unstable).",
		"workload_manager_proxies_stopped_total 0")
	out.WriteString("# EOF\n")
	return out.Bytes(), nil
}
