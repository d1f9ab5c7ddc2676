package sim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
)

// meshIstiod is one replica of istiod with the proxies that are connected to it.
type meshIstiod struct {
	mesh    *mesh
	pod     *meshPod
	version string
	proxies []*ztunnel
	lines   []logLine
	unacked map[*ztunnel]bool
	// signErrors counts certificate requests that it could not sign, late the pushes of 400 that took more than ten seconds.
	signErrors, late int
	clusters         map[string]string // of other clusters than its own, by what it says of its look at them
	noAmbient        bool              // it runs without PILOT_ENABLE_AMBIENT
	storms           bool              // it has sent everything anew again and again
}

// The types of this file print istiod's debug answers, istio pilot/pkg/xds/debug.go.

type syncStatus struct {
	ClusterID    string                `json:"cluster_id"`
	Proxy        string                `json:"proxy"`
	ProxyType    string                `json:"proxy_type"`
	IstioVersion string                `json:"istio_version"`
	Resources    map[string]syncedType `json:"resources"`
}

type syncedType struct {
	Sent      string `json:"sent"`
	Acked     string `json:"acked"`
	SentTime  string `json:"sentTime"`
	LastError string `json:"lastError,omitempty"`
}

type connections struct {
	TotalClients int          `json:"totalClients"`
	Clients      []connection `json:"clients"`
}

type connection struct {
	ConnectionID string `json:"connectionId"`
	ConnectedAt  string `json:"connectedAt"`
	Address      string `json:"address"`
}

// networkGateway is one of /debug/networkz, pilot/pkg/model/network.go.
type networkGateway struct {
	Network        string
	Cluster        string
	Addr           string
	Port           uint32
	HBONEPort      uint32
	ServiceAccount struct{ Namespace, Name string }
}

type ambient struct {
	Workloads []ambientWorkload `json:"workloads"`
	Services  []ambientService  `json:"services"`
	Policies  []ambientPolicy   `json:"policies"`
}

type ambientWorkload struct {
	UID                   string                  `json:"uid"`
	Name                  string                  `json:"name"`
	Namespace             string                  `json:"namespace"`
	Addresses             []string                `json:"addresses"`
	TunnelProtocol        string                  `json:"tunnelProtocol,omitempty"`
	ServiceAccount        string                  `json:"serviceAccount"`
	TrustDomain           string                  `json:"trustDomain,omitempty"` // where it is not the default
	Node                  string                  `json:"node"`
	CanonicalName         string                  `json:"canonicalName"`
	CanonicalRevision     string                  `json:"canonicalRevision"`
	WorkloadType          string                  `json:"workloadType"`
	WorkloadName          string                  `json:"workloadName"`
	NativeTunnel          bool                    `json:"nativeTunnel,omitempty"`
	AuthorizationPolicies []string                `json:"authorizationPolicies,omitempty"`
	Services              map[string]ambientPorts `json:"services,omitempty"`
	Status                string                  `json:"status,omitempty"`
	ClusterID             string                  `json:"clusterId"`
	NetworkMode           string                  `json:"networkMode,omitempty"`
	Network               string                  `json:"network,omitempty"`
	NetworkGateway        *ambientGateway         `json:"networkGateway,omitempty"`
	Locality              map[string]string       `json:"locality"`
}

type ambientGateway struct {
	Address struct {
		Network string `json:"network"`
		Address string `json:"address"`
	} `json:"address"`
	HBONEMTLSPort int `json:"hboneMtlsPort"`
}

type ambientPorts struct {
	Ports []ambientPort `json:"ports"`
}

type ambientPort struct {
	ServicePort int32 `json:"servicePort"`
	TargetPort  int32 `json:"targetPort"`
}

type ambientService struct {
	Name       string            `json:"name"`
	Namespace  string            `json:"namespace"`
	Hostname   string            `json:"hostname"`
	Addresses  []ambientAddress  `json:"addresses"`
	Ports      []ambientPort     `json:"ports"`
	IPFamilies string            `json:"ipFamilies"`
	Waypoint   *ambientWaypoint  `json:"waypoint,omitempty"`
	Balancing  *ambientBalancing `json:"loadBalancing,omitempty"`
}

type ambientAddress struct {
	Address string `json:"address"`
}

type ambientWaypoint struct {
	Hostname      *ambientHostname `json:"hostname,omitempty"`
	Address       *ambientAddress  `json:"address,omitempty"`
	HBONEMTLSPort int              `json:"hboneMtlsPort"`
}

type ambientHostname struct {
	Namespace string `json:"namespace"`
	Hostname  string `json:"hostname"`
}

type ambientPolicy struct {
	Type      string         `json:"@type,omitempty"`
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Scope     string         `json:"scope"`
	Action    string         `json:"action,omitempty"`
	DryRun    bool           `json:"dryRun,omitempty"`
	Groups    []ambientGroup `json:"groups,omitempty"`
}

type ambientGroup struct {
	Rules []ambientRules `json:"rules"`
}

type ambientRules struct {
	Matches []ambientMatch `json:"matches"`
}

type ambientMatch struct {
	NotPrincipals []map[string]any    `json:"notPrincipals,omitempty"`
	Principals    []map[string]string `json:"principals,omitempty"`
}

// ports serve 15014: metrics, version, and the debug answers to whoever comes by loopback.
func (i *meshIstiod) ports() map[int32]kubeapi.Port {
	mux, health := http.NewServeMux(), http.NewServeMux()
	debug := func(path string, body func(*http.Request) any) {
		mux.HandleFunc("GET /debug/"+path, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case i.mesh.debugOff:
				http.NotFound(w, r)
				return
			case kubeapi.Proxied(r.Context()):
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
				return
			}
			i.mesh.mu.RLock()
			answer := body(r)
			i.mesh.mu.RUnlock()
			answerJSON(w, answer)
		})
	}
	debug("syncz", func(*http.Request) any { return i.syncz() })
	debug("connections", func(*http.Request) any { return i.connections() })
	debug("ambientz", func(*http.Request) any { return i.ambientz() })
	debug("mesh", func(*http.Request) any { return i.mesh.config() })
	debug("networkz", func(*http.Request) any { return i.mesh.gateways })
	debug("clusterz", func(*http.Request) any {
		own := i.mesh.clusterID
		out := []map[string]string{{"id": own, "secretName": "", "syncStatus": choose(i.clusters[own] == "", "synced", i.clusters[own])}}
		for _, id := range sortedKeys(i.clusters) {
			if id != own {
				out = append(out, map[string]string{"id": id, "secretName": systemNamespace + "/istio-remote-secret-" + id, "syncStatus": i.clusters[id]})
			}
		}
		return out
	})
	mux.HandleFunc("GET /debug/config_dump", i.serveConfigDump)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"), http.StatusOK, []byte(i.metrics()))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, textHeader("text/plain; charset=utf-8"), http.StatusOK, []byte(i.version+"-0123456789abcdef0123456789abcdef01234567-Clean"))
	})
	health.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return map[int32]kubeapi.Port{15014: {Handler: mux}, 8080: {Handler: health}}
}

func (i *meshIstiod) log(_ string, previous bool) (kubeapi.Log, bool) {
	if previous {
		return kubeapi.Log{}, false
	}
	sortLines(i.lines)
	return joinLines(i.lines), true
}

func (i *meshIstiod) syncz() []syncStatus {
	out := []syncStatus{}
	for _, z := range i.proxies {
		status := syncStatus{
			ClusterID: i.mesh.clusterID, Proxy: z.pod.name + "." + z.pod.namespace, ProxyType: "ztunnel", IstioVersion: z.version,
			Resources: map[string]syncedType{},
		}
		for _, url := range []string{addressType, authorizationType} {
			if i.noAmbient {
				break
			}
			sent := i.mesh.started.Add(2 * time.Second)
			synced := syncedType{Sent: nonce(sent, z.pod.uid, url), SentTime: sent.Format(time.RFC3339Nano)}
			synced.Acked = synced.Sent
			if url == addressType && i.unacked[z] {
				sent = i.mesh.now.Add(-5 * time.Minute)
				synced.Sent, synced.SentTime = nonce(sent, z.pod.uid, "later"), sent.Format(time.RFC3339Nano)
			}
			if url == addressType && z.rejected != "" {
				synced.LastError = z.rejected
				sent = i.mesh.now.Add(-5 * time.Minute)
				synced.Sent, synced.SentTime = nonce(sent, z.pod.uid, "later"), sent.Format(time.RFC3339Nano)
			}
			status.Resources[url] = synced
		}
		out = append(out, status)
	}
	if wp := i.mesh.waypoint; wp != nil && i == i.mesh.istiods[0] && wp.pod.ready {
		out = append(out, wp.sync(i.mesh))
	}
	return out
}

func nonce(at time.Time, parts ...string) string {
	return at.UTC().Format(time.RFC3339) + "/" + string(stableUID(append(parts, "nonce")...))
}

func (i *meshIstiod) connections() connections {
	out := connections{Clients: []connection{}, TotalClients: len(i.proxies)}
	for n, z := range i.proxies {
		out.Clients = append(out.Clients, connection{
			ConnectionID: fmt.Sprintf("%s.%s-%d", z.pod.name, z.pod.namespace, n+1),
			ConnectedAt:  i.mesh.started.Add(time.Second).Format(time.RFC3339Nano),
			Address:      fmt.Sprintf("%s:%d", z.pod.ip(), 40000+n),
		})
	}
	return out
}

// serveConfigDump answers {} for workloads, as istiods from 1.25 on do for a ztunnel, and the
// policies when they are asked for.
func (i *meshIstiod) serveConfigDump(w http.ResponseWriter, r *http.Request) {
	switch {
	case i.mesh.debugOff:
		http.NotFound(w, r)
		return
	case kubeapi.Proxied(r.Context()):
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	id := r.URL.Query().Get("proxyID")
	found := false
	for _, z := range i.proxies {
		found = found || id != "" && strings.Contains(z.pod.name+"."+z.pod.namespace, id)
	}
	if !found {
		http.Error(w, "Proxy not connected to this Pilot instance. It may be connected to another instance.\n", http.StatusNotFound)
		return
	}
	if r.URL.Query().Get("types") != "wads" {
		answerJSON(w, struct{}{})
		return
	}
	policies := i.mesh.ambientPolicies()
	for n := range policies {
		policies[n].Type = authorizationType
	}
	answerJSON(w, map[string]any{"configs": policies})
}

func (i *meshIstiod) ambientz() ambient {
	if i.noAmbient {
		return ambient{Workloads: []ambientWorkload{}, Services: []ambientService{}, Policies: []ambientPolicy{}}
	}
	return i.mesh.ambientz()
}

// ambientz is istiod's own state, the same on every replica; its order is random.
func (m *mesh) ambientz() ambient {
	out := ambient{Workloads: []ambientWorkload{}, Services: []ambientService{}, Policies: m.ambientPolicies()}
	for _, p := range m.pods {
		if p.inIstiod {
			out.Workloads = append(out.Workloads, p.ambient())
		}
	}
	for _, s := range m.services {
		out.Services = append(out.Services, s.ambient())
	}
	return out
}

func (p *meshPod) ambient() ambientWorkload {
	w := ambientWorkload{
		UID: p.uidWDS(), Name: p.name, Namespace: p.namespace, ServiceAccount: p.serviceAccount, TrustDomain: choose(p.domain == defaultTrustDomain, "", p.domain), Node: p.node,
		CanonicalName: p.app, CanonicalRevision: p.revision(), WorkloadType: "POD", WorkloadName: p.workloadName(),
		NativeTunnel: p.native, Network: p.network, AuthorizationPolicies: p.policies, ClusterID: p.cluster,
		Locality: map[string]string{"region": p.region(), "zone": p.onNode.zone},
	}
	for _, ip := range p.ips {
		w.Addresses = append(w.Addresses, base64.StdEncoding.EncodeToString([]byte(ip)))
	}
	if network, address, ok := strings.Cut(p.gateway, "/"); ok {
		w.NetworkGateway = &ambientGateway{HBONEMTLSPort: istio.HBONEPort}
		w.NetworkGateway.Address.Network = network
		w.NetworkGateway.Address.Address = base64.StdEncoding.EncodeToString([]byte(address))
	}
	if p.protocol == "HBONE" {
		w.TunnelProtocol = "HBONE"
	}
	if p.hostNet {
		w.NetworkMode = "HOST_NETWORK"
	}
	if !p.healthy() {
		w.Status = "UNHEALTHY"
	}
	for _, s := range p.services {
		if w.Services == nil {
			w.Services = map[string]ambientPorts{}
		}
		w.Services[s.key()] = ambientPorts{Ports: []ambientPort{{s.port, s.target}}}
	}
	return w
}

func (s *meshService) ambient() ambientService {
	out := ambientService{
		Name: s.name, Namespace: s.namespace, Hostname: s.hostname(), IPFamilies: "IPV4_ONLY",
		Addresses: []ambientAddress{{base64.StdEncoding.EncodeToString([]byte(s.ips[0]))}},
		Ports:     []ambientPort{{s.port, s.target}},
	}
	out.Balancing = s.balance.ambient()
	switch {
	case s.through == nil:
	case s.sentTo != "":
		_, address, _ := strings.Cut(s.sentTo, "/")
		out.Waypoint = &ambientWaypoint{HBONEMTLSPort: istio.HBONEPort, Address: &ambientAddress{base64.StdEncoding.EncodeToString([]byte(address))}}
	default:
		out.Waypoint = &ambientWaypoint{HBONEMTLSPort: istio.HBONEPort, Hostname: &ambientHostname{s.through.namespace, s.through.service.hostname()}}
	}
	return out
}

func (m *mesh) ambientPolicies() []ambientPolicy {
	out := []ambientPolicy{}
	for _, p := range m.policies {
		out = append(out, ambientPolicy{
			Name: p.name, Namespace: p.namespace, Scope: "WORKLOAD_SELECTOR", Action: choose(p.deny, "DENY", ""), DryRun: p.trial, Groups: p.ambientGroups(),
		})
	}
	return out
}

func (p *meshPolicy) ambientGroups() []ambientGroup {
	match := ambientMatch{}
	for _, principal := range p.principals {
		match.Principals = append(match.Principals, map[string]string{"exact": principal})
	}
	switch {
	case p.empty:
		return nil
	case p.plaintext:
		match.NotPrincipals = []map[string]any{{"presence": map[string]any{}}}
	}
	return []ambientGroup{{Rules: []ambientRules{{Matches: []ambientMatch{match}}}}}
}

func (m *mesh) config() map[string]any {
	return map[string]any{
		"trustDomain": m.trustDomain, "rootNamespace": systemNamespace, "accessLogFile": "/dev/stdout",
		"defaultConfig":         map[string]any{"discoveryAddress": "istiod.istio-system.svc:15012", "proxyMetadata": map[string]any{"ISTIO_META_ENABLE_HBONE": "true"}},
		"outboundTrafficPolicy": map[string]any{"mode": "ALLOW_ANY"}, "enableAutoMtls": true,
	}
}

// convergence is the histogram of how long changes took to reach the proxies; the share that was
// late took between ten and twenty seconds.
func (i *meshIstiod) convergence() []string {
	const name, pushes = "pilot_proxy_convergence_time", 400
	var out []string
	for _, le := range []string{"0.1", "0.5", "1", "3", "5", "10", "20", "30", "+Inf"} {
		below := pushes
		if le != "20" && le != "30" && le != "+Inf" {
			below -= i.late
		}
		out = append(out, fmt.Sprintf("%s_bucket{le=%q} %d", name, le, below))
	}
	return append(out, fmt.Sprintf("%s_sum %d", name, 20+15*i.late), fmt.Sprintf("%s_count %d", name, pushes))
}

// metrics are those of istiod that troubleshooting looks at, pilot/pkg/xds/monitoring.go and
// security/pkg/server/ca/monitoring.go.
func (i *meshIstiod) metrics() string {
	var out strings.Builder
	family := func(kind, name, help string, samples ...string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n%s\n", name, help, name, kind, strings.Join(samples, "\n"))
	}
	root := i.mesh.ca.cert.NotAfter
	family("gauge", "citadel_server_root_cert_expiry_seconds",
		"The time remaining, in seconds, before the root cert will expire. A negative value indicates the cert is expired.",
		fmt.Sprintf("citadel_server_root_cert_expiry_seconds %g", root.Sub(i.mesh.now).Seconds()))
	family("gauge", "citadel_server_root_cert_expiry_timestamp", "The unix timestamp, in seconds, when the root cert will expire.",
		fmt.Sprintf("citadel_server_root_cert_expiry_timestamp %g", float64(root.Unix())))
	family("counter", "citadel_server_csr_count", "The number of CSRs received by Citadel server.", "citadel_server_csr_count 214")
	family("counter", "citadel_server_csr_sign_err_count", "The number of errors occurred when signing the CSR.",
		fmt.Sprintf("citadel_server_csr_sign_err_count %d", i.signErrors))
	family("histogram", "pilot_proxy_convergence_time",
		"Delay in seconds between config change and a proxy receiving all required configuration.", i.convergence()...)
	family("gauge", "pilot_info", "Pilot version and build information.", fmt.Sprintf("pilot_info{version=%q} 1", i.version+"-0123456789abcdef-Clean"))
	family("counter", "pilot_total_xds_internal_errors", "Total number of internal XDS errors in pilot.", "pilot_total_xds_internal_errors 0")
	rejects := 0
	for _, z := range i.proxies {
		if z.rejected != "" {
			rejects++
		}
	}
	if rejects > 0 {
		family("counter", "pilot_total_xds_rejects", "Total number of XDS responses from pilot rejected by proxy.",
			fmt.Sprintf("pilot_total_xds_rejects{type=\"WDS\"} %d", rejects))
	}
	family("gauge", "pilot_xds", "Number of endpoints connected to this pilot using XDS.",
		fmt.Sprintf("pilot_xds{version=%q} %d", i.version, len(i.proxies)))
	return out.String()
}
