package sim

import (
	"net/http"
	"time"
)

// waypointMetrics are the counters of an idle Envoy that troubleshooting looks at.
const waypointMetrics = `# TYPE envoy_cluster_upstream_cx_total counter
envoy_cluster_upstream_cx_total{cluster_name="connect_originate"} 0
# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{cluster_name="connect_originate"} 0
# TYPE envoy_server_live gauge
envoy_server_live{} 1
`

// waypointPorts serve what a waypoint's agent serves on the pod's address, istio
// pilot/cmd/pilot-agent/status/server.go.
func waypointPorts() map[int32]port {
	metrics := func(w http.ResponseWriter, _ *http.Request) {
		answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8"), http.StatusOK, []byte(waypointMetrics))
	}
	stats, envoy, readiness := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	stats.HandleFunc("GET /stats/prometheus", metrics)
	stats.HandleFunc("GET /metrics", metrics)
	envoy.HandleFunc("GET /stats/prometheus", metrics)
	readiness.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return map[int32]port{15020: {handler: stats}, 15090: {handler: envoy}, 15021: {handler: readiness}}
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
