package sim

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// sentOn is what an Envoy sends on to a service between two looks at its metrics, and how much of it
// is cut off at the other end.
type sentOn struct {
	service       *meshService
	requests, cut int
}

// envoyMetrics are the counters of an Envoy that troubleshooting looks at, after n looks: requests as
// istio/proxy counts them, and of clusters those that somebody let proxyStatsMatcher have.
func envoyMetrics(reporter string, calls []sentOn, n int) string {
	var out strings.Builder
	out.WriteString("# TYPE istio_requests_total counter\n")
	opened, failed := 0, 0
	for _, c := range calls {
		for _, answer := range []struct {
			code, flags string
			count       int
		}{{"200", "-", c.requests - c.cut}, {"503", "UC", c.cut}} {
			if answer.count > 0 {
				fmt.Fprintf(&out, "istio_requests_total{reporter=%q,source_workload=\"unknown\",destination_service=%q,destination_service_name=%q,"+
					"destination_service_namespace=%q,request_protocol=\"http\",response_code=%q,grpc_response_status=\"\",response_flags=%q,"+
					"connection_security_policy=\"mutual_tls\"} %d\n",
					reporter, c.service.hostname(), c.service.name, c.service.namespace, answer.code, answer.flags, n*answer.count)
			}
		}
		opened, failed = opened+c.requests-c.cut, failed+c.cut
	}
	for _, counter := range []struct {
		name  string
		count int
	}{{"upstream_cx_total", opened + failed}, {"upstream_cx_connect_fail", failed}, {"upstream_rq_total", opened}} {
		fmt.Fprintf(&out, "# TYPE envoy_cluster_%[1]s counter\nenvoy_cluster_%[1]s{cluster_name=\"connect_originate\"} %[2]d\n", counter.name, n*counter.count)
	}
	out.WriteString("# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n")
	return out.String()
}

// envoyPorts serve what a waypoint's or gateway's agent serves on the pod's address, istio
// pilot/cmd/pilot-agent/status/server.go.
func envoyPorts(reporter string, calls []sentOn) map[int32]kubeapi.Port {
	var looks atomic.Int32
	metrics := func(w http.ResponseWriter, _ *http.Request) {
		text := envoyMetrics(reporter, calls, int(looks.Add(1)))
		answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8"), http.StatusOK, []byte(text))
	}
	stats, envoy, readiness := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	stats.HandleFunc("GET /stats/prometheus", metrics)
	stats.HandleFunc("GET /metrics", metrics)
	envoy.HandleFunc("GET /stats/prometheus", metrics)
	readiness.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return map[int32]kubeapi.Port{15020: {Handler: stats}, 15090: {Handler: envoy}, 15021: {Handler: readiness}}
}

// sends is what p's Envoy sends on, once the mesh is as it is to be.
func (m *mesh) sends(p *meshPod) (reporter string, calls []sentOn) {
	if m.waypoint == nil || p.app != m.waypoint.pod.app {
		return "source", p.sent
	}
	if p.sent != nil {
		return "waypoint", p.sent
	}
	for _, s := range m.throughWaypoint() {
		calls = append(calls, sentOn{service: s, requests: 40})
	}
	return "waypoint", calls
}

// envoyTypes are the resources that a waypoint's Envoy subscribes to.
var envoyTypes = []string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster", "type.googleapis.com/envoy.config.listener.v3.Listener",
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}

// sync is the waypoint as istiod tells of its connection.
func (wp *meshWaypoint) sync(m *mesh) syncStatus {
	version := wp.version
	if version == "" {
		version = m.version
	}
	status := syncStatus{
		ClusterID: clusterID, Proxy: wp.pod.name + "." + wp.pod.namespace, ProxyType: "waypoint", IstioVersion: version,
		Resources: map[string]syncedType{},
	}
	sent := m.started.Add(3 * time.Second)
	for _, url := range envoyTypes {
		n := nonce(sent, wp.pod.uid, url)
		status.Resources[url] = syncedType{Sent: n, Acked: n, SentTime: sent.Format(time.RFC3339Nano)}
	}
	return status
}
