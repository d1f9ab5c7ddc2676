package world

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// ThroughWaypoint are the services that go through the world's waypoint.
func (m *Mesh) ThroughWaypoint() []*Service {
	var out []*Service
	for _, s := range m.Services {
		if m.Waypoint != nil && s.Through == m.Waypoint && len(s.Pods) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// SentOn is what an Envoy sends on to a service between two looks at its metrics, and how much of it
// is cut off at the other end.
type SentOn struct {
	Service       *Service
	Requests, Cut int
}

// EnvoyMetrics are the counters of an Envoy that troubleshooting looks at, after n looks: requests as
// istio/proxy counts them, and of clusters those that somebody let proxyStatsMatcher have.
func EnvoyMetrics(reporter string, calls []SentOn, n int) string {
	var out strings.Builder
	out.WriteString("# TYPE istio_requests_total counter\n")
	opened, failed := 0, 0
	for _, c := range calls {
		for _, answer := range []struct {
			code, flags string
			count       int
		}{{"200", "-", c.Requests - c.Cut}, {"503", "UC", c.Cut}} {
			if answer.count > 0 {
				fmt.Fprintf(&out, "istio_requests_total{reporter=%q,source_workload=\"unknown\",destination_service=%q,destination_service_name=%q,"+
					"destination_service_namespace=%q,request_protocol=\"http\",response_code=%q,grpc_response_status=\"\",response_flags=%q,"+
					"connection_security_policy=\"mutual_tls\"} %d\n",
					reporter, c.Service.Hostname(), c.Service.Name, c.Service.Namespace, answer.code, answer.flags, n*answer.count)
			}
		}
		opened, failed = opened+c.Requests-c.Cut, failed+c.Cut
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
func envoyPorts(reporter string, calls []SentOn) map[int32]kubeapi.Port {
	var looks atomic.Int32
	metrics := func(w http.ResponseWriter, _ *http.Request) {
		text := EnvoyMetrics(reporter, calls, int(looks.Add(1)))
		Answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8"), http.StatusOK, []byte(text))
	}
	stats, envoy, readiness := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	stats.HandleFunc("GET /stats/prometheus", metrics)
	stats.HandleFunc("GET /metrics", metrics)
	envoy.HandleFunc("GET /stats/prometheus", metrics)
	readiness.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return map[int32]kubeapi.Port{15020: {Handler: stats}, 15090: {Handler: envoy}, 15021: {Handler: readiness}}
}

// Sends is what p's Envoy sends on, once the mesh is as it is to be.
func (m *Mesh) Sends(p *Pod) (reporter string, calls []SentOn) {
	if m.Waypoint == nil || p.App != m.Waypoint.Pod.App {
		return "source", p.Sent
	}
	if p.Sent != nil {
		return "waypoint", p.Sent
	}
	for _, s := range m.ThroughWaypoint() {
		calls = append(calls, SentOn{Service: s, Requests: 40})
	}
	return "waypoint", calls
}

// envoyTypes are the resources that a waypoint's Envoy subscribes to.
var envoyTypes = []string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster", "type.googleapis.com/envoy.config.listener.v3.Listener",
	"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}

// sync is the waypoint as istiod tells of its connection.
func (wp *Waypoint) sync(m *Mesh) syncStatus {
	version := wp.Version
	if version == "" {
		version = m.Version
	}
	status := syncStatus{
		ClusterID: ClusterID, Proxy: wp.Pod.Name + "." + wp.Pod.Namespace, ProxyType: "waypoint", IstioVersion: version,
		Resources: map[string]syncedType{},
	}
	sent := m.Started.Add(3 * time.Second)
	for _, url := range envoyTypes {
		n := Nonce(sent, wp.Pod.UID, url)
		status.Resources[url] = syncedType{Sent: n, Acked: n, SentTime: sent.Format(time.RFC3339Nano)}
	}
	return status
}
