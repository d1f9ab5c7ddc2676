package world

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
)

// Istiod is one replica of istiod with the proxies that are connected to it.
type Istiod struct {
	mesh    *Mesh
	Pod     *Pod
	Version string
	Proxies []*Ztunnel
	Lines   []LogLine
	Unacked map[*Ztunnel]bool
	// SignErrors counts certificate requests that it could not sign, late the pushes of 400 that took more than ten seconds.
	SignErrors, Late int
	Clusters         map[string]string // of other clusters than its own, by what it says of its look at them
	NoAmbient        bool              // it runs without PILOT_ENABLE_AMBIENT
	Storms           bool              // it has sent everything anew again and again
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

// NetworkGateway is one of /debug/networkz, pilot/pkg/model/network.go.
type NetworkGateway struct {
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
func (i *Istiod) ports() map[int32]kubeapi.Port {
	mux, health := http.NewServeMux(), http.NewServeMux()
	debug := func(path string, body func(*http.Request) any) {
		mux.HandleFunc("GET /debug/"+path, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case i.mesh.DebugOff:
				http.NotFound(w, r)
				return
			case kubeapi.Proxied(r.Context()):
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
				return
			}
			i.mesh.Mu.RLock()
			answer := body(r)
			i.mesh.Mu.RUnlock()
			answerJSON(w, answer)
		})
	}
	debug("syncz", func(*http.Request) any { return i.Syncz() })
	debug("connections", func(*http.Request) any { return i.connections() })
	debug("ambientz", func(*http.Request) any { return i.Ambientz() })
	debug("mesh", func(*http.Request) any { return i.mesh.config() })
	debug("networkz", func(*http.Request) any { return i.mesh.Gateways })
	debug("clusterz", func(*http.Request) any {
		own := i.mesh.clusterID
		out := []map[string]string{{"id": own, "secretName": "", "syncStatus": Choose(i.Clusters[own] == "", "synced", i.Clusters[own])}}
		for _, id := range SortedKeys(i.Clusters) {
			if id != own {
				out = append(out, map[string]string{"id": id, "secretName": SystemNamespace + "/istio-remote-secret-" + id, "syncStatus": i.Clusters[id]})
			}
		}
		return out
	})
	mux.HandleFunc("GET /debug/config_dump", i.serveConfigDump)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		Answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"), http.StatusOK, []byte(i.Metrics()))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		Answer(w, textHeader("text/plain; charset=utf-8"), http.StatusOK, []byte(i.Version+"-0123456789abcdef0123456789abcdef01234567-Clean"))
	})
	health.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return map[int32]kubeapi.Port{15014: {Handler: mux}, 8080: {Handler: health}}
}

// Log is the log of istiod's container, or of the one before it.
func (i *Istiod) Log(_ string, previous bool) (kubeapi.Log, bool) {
	if previous {
		return kubeapi.Log{}, false
	}
	sortLines(i.Lines)
	return JoinLines(i.Lines), true
}

// Syncz is the answer to /debug/syncz.
func (i *Istiod) Syncz() []syncStatus {
	out := []syncStatus{}
	for _, z := range i.Proxies {
		status := syncStatus{
			ClusterID: i.mesh.clusterID, Proxy: z.Pod.Name + "." + z.Pod.Namespace, ProxyType: "ztunnel", IstioVersion: z.Version,
			Resources: map[string]syncedType{},
		}
		for _, url := range []string{AddressType, authorizationType} {
			if i.NoAmbient {
				break
			}
			sent := i.mesh.Started.Add(2 * time.Second)
			synced := syncedType{Sent: Nonce(sent, z.Pod.UID, url), SentTime: sent.Format(time.RFC3339Nano)}
			synced.Acked = synced.Sent
			if url == AddressType && i.Unacked[z] {
				sent = i.mesh.Now.Add(-5 * time.Minute)
				synced.Sent, synced.SentTime = Nonce(sent, z.Pod.UID, "later"), sent.Format(time.RFC3339Nano)
			}
			if url == AddressType && z.Rejected != "" {
				synced.LastError = z.Rejected
				sent = i.mesh.Now.Add(-5 * time.Minute)
				synced.Sent, synced.SentTime = Nonce(sent, z.Pod.UID, "later"), sent.Format(time.RFC3339Nano)
			}
			status.Resources[url] = synced
		}
		out = append(out, status)
	}
	if wp := i.mesh.Waypoint; wp != nil && i == i.mesh.Istiods[0] && wp.Pod.Ready {
		out = append(out, wp.sync(i.mesh))
	}
	return out
}

// Nonce is one that istiod sent at a time.
func Nonce(at time.Time, parts ...string) string {
	return at.UTC().Format(time.RFC3339) + "/" + string(StableUID(append(parts, "nonce")...))
}

func (i *Istiod) connections() connections {
	out := connections{Clients: []connection{}, TotalClients: len(i.Proxies)}
	for n, z := range i.Proxies {
		out.Clients = append(out.Clients, connection{
			ConnectionID: fmt.Sprintf("%s.%s-%d", z.Pod.Name, z.Pod.Namespace, n+1),
			ConnectedAt:  i.mesh.Started.Add(time.Second).Format(time.RFC3339Nano),
			Address:      fmt.Sprintf("%s:%d", z.Pod.IP(), 40000+n),
		})
	}
	return out
}

// serveConfigDump answers {} for workloads, as istiods from 1.25 on do for a ztunnel, and the
// policies when they are asked for.
func (i *Istiod) serveConfigDump(w http.ResponseWriter, r *http.Request) {
	switch {
	case i.mesh.DebugOff:
		http.NotFound(w, r)
		return
	case kubeapi.Proxied(r.Context()):
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	id := r.URL.Query().Get("proxyID")
	found := false
	for _, z := range i.Proxies {
		found = found || id != "" && strings.Contains(z.Pod.Name+"."+z.Pod.Namespace, id)
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

// Ambientz is the answer to /debug/ambientz.
func (i *Istiod) Ambientz() ambient {
	if i.NoAmbient {
		return ambient{Workloads: []ambientWorkload{}, Services: []ambientService{}, Policies: []ambientPolicy{}}
	}
	return i.mesh.ambientz()
}

// ambientz is istiod's own state, the same on every replica; its order is random.
func (m *Mesh) ambientz() ambient {
	out := ambient{Workloads: []ambientWorkload{}, Services: []ambientService{}, Policies: m.ambientPolicies()}
	for _, p := range m.Pods {
		if p.InIstiod {
			out.Workloads = append(out.Workloads, p.ambient())
		}
	}
	for _, s := range m.Services {
		out.Services = append(out.Services, s.ambient())
	}
	return out
}

func (p *Pod) ambient() ambientWorkload {
	w := ambientWorkload{
		UID: p.uidWDS(), Name: p.Name, Namespace: p.Namespace, ServiceAccount: p.ServiceAccount, TrustDomain: Choose(p.domain == defaultTrustDomain, "", p.domain), Node: p.Node,
		CanonicalName: p.App, CanonicalRevision: p.revision(), WorkloadType: "POD", WorkloadName: p.workloadName(),
		NativeTunnel: p.Native, Network: p.Network, AuthorizationPolicies: p.Policies, ClusterID: p.cluster,
		Locality: map[string]string{"region": p.region(), "zone": p.OnNode.Zone},
	}
	for _, ip := range p.IPs {
		w.Addresses = append(w.Addresses, base64.StdEncoding.EncodeToString([]byte(ip)))
	}
	if network, address, ok := strings.Cut(p.gateway, "/"); ok {
		w.NetworkGateway = &ambientGateway{HBONEMTLSPort: istio.HBONEPort}
		w.NetworkGateway.Address.Network = network
		w.NetworkGateway.Address.Address = base64.StdEncoding.EncodeToString([]byte(address))
	}
	if p.Protocol == "HBONE" {
		w.TunnelProtocol = "HBONE"
	}
	if p.HostNet {
		w.NetworkMode = "HOST_NETWORK"
	}
	if !p.healthy() {
		w.Status = "UNHEALTHY"
	}
	for _, s := range p.Services {
		if w.Services == nil {
			w.Services = map[string]ambientPorts{}
		}
		w.Services[s.key()] = ambientPorts{Ports: []ambientPort{{s.Port, s.Target}}}
	}
	return w
}

func (s *Service) ambient() ambientService {
	out := ambientService{
		Name: s.Name, Namespace: s.Namespace, Hostname: s.Hostname(), IPFamilies: "IPV4_ONLY",
		Addresses: []ambientAddress{{base64.StdEncoding.EncodeToString([]byte(s.IPs[0]))}},
		Ports:     []ambientPort{{s.Port, s.Target}},
	}
	out.Balancing = s.Balance.ambient()
	switch {
	case s.Through == nil:
	case s.SentTo != "":
		_, address, _ := strings.Cut(s.SentTo, "/")
		out.Waypoint = &ambientWaypoint{HBONEMTLSPort: istio.HBONEPort, Address: &ambientAddress{base64.StdEncoding.EncodeToString([]byte(address))}}
	default:
		out.Waypoint = &ambientWaypoint{HBONEMTLSPort: istio.HBONEPort, Hostname: &ambientHostname{s.Through.Namespace, s.Through.Service.Hostname()}}
	}
	return out
}

func (m *Mesh) ambientPolicies() []ambientPolicy {
	out := []ambientPolicy{}
	for _, p := range m.Policies {
		out = append(out, ambientPolicy{
			Name: p.Name, Namespace: p.Namespace, Scope: "WORKLOAD_SELECTOR", Action: Choose(p.Deny, "DENY", ""), DryRun: p.Trial, Groups: p.ambientGroups(),
		})
	}
	return out
}

func (p *Policy) ambientGroups() []ambientGroup {
	match := ambientMatch{}
	for _, principal := range p.Principals {
		match.Principals = append(match.Principals, map[string]string{"exact": principal})
	}
	switch {
	case p.Empty:
		return nil
	case p.Plaintext:
		match.NotPrincipals = []map[string]any{{"presence": map[string]any{}}}
	}
	return []ambientGroup{{Rules: []ambientRules{{Matches: []ambientMatch{match}}}}}
}

func (m *Mesh) config() map[string]any {
	return map[string]any{
		"trustDomain": m.TrustDomain, "rootNamespace": SystemNamespace, "accessLogFile": "/dev/stdout",
		"defaultConfig":         map[string]any{"discoveryAddress": "istiod.istio-system.svc:15012", "proxyMetadata": map[string]any{"ISTIO_META_ENABLE_HBONE": "true"}},
		"outboundTrafficPolicy": map[string]any{"mode": "ALLOW_ANY"}, "enableAutoMtls": true,
	}
}

// convergence is the histogram of how long changes took to reach the proxies; the share that was
// late took between ten and twenty seconds.
func (i *Istiod) convergence() []string {
	const name, pushes = "pilot_proxy_convergence_time", 400
	var out []string
	for _, le := range []string{"0.1", "0.5", "1", "3", "5", "10", "20", "30", "+Inf"} {
		below := pushes
		if le != "20" && le != "30" && le != "+Inf" {
			below -= i.Late
		}
		out = append(out, fmt.Sprintf("%s_bucket{le=%q} %d", name, le, below))
	}
	return append(out, fmt.Sprintf("%s_sum %d", name, 20+15*i.Late), fmt.Sprintf("%s_count %d", name, pushes))
}

// Metrics are those of istiod that troubleshooting looks at, pilot/pkg/xds/monitoring.go and
// security/pkg/server/ca/monitoring.go.
func (i *Istiod) Metrics() string {
	var out strings.Builder
	family := func(kind, name, help string, samples ...string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n%s\n", name, help, name, kind, strings.Join(samples, "\n"))
	}
	root := i.mesh.CA.Cert.NotAfter
	family("gauge", "citadel_server_root_cert_expiry_seconds",
		"The time remaining, in seconds, before the root cert will expire. A negative value indicates the cert is expired.",
		fmt.Sprintf("citadel_server_root_cert_expiry_seconds %g", root.Sub(i.mesh.Now).Seconds()))
	family("gauge", "citadel_server_root_cert_expiry_timestamp", "The unix timestamp, in seconds, when the root cert will expire.",
		fmt.Sprintf("citadel_server_root_cert_expiry_timestamp %g", float64(root.Unix())))
	family("counter", "citadel_server_csr_count", "The number of CSRs received by Citadel server.", "citadel_server_csr_count 214")
	family("counter", "citadel_server_csr_sign_err_count", "The number of errors occurred when signing the CSR.",
		fmt.Sprintf("citadel_server_csr_sign_err_count %d", i.SignErrors))
	family("histogram", "pilot_proxy_convergence_time",
		"Delay in seconds between config change and a proxy receiving all required configuration.", i.convergence()...)
	family("gauge", "pilot_info", "Pilot version and build information.", fmt.Sprintf("pilot_info{version=%q} 1", i.Version+"-0123456789abcdef-Clean"))
	family("counter", "pilot_total_xds_internal_errors", "Total number of internal XDS errors in pilot.", "pilot_total_xds_internal_errors 0")
	rejects := 0
	for _, z := range i.Proxies {
		if z.Rejected != "" {
			rejects++
		}
	}
	if rejects > 0 {
		family("counter", "pilot_total_xds_rejects", "Total number of XDS responses from pilot rejected by proxy.",
			fmt.Sprintf("pilot_total_xds_rejects{type=\"WDS\"} %d", rejects))
	}
	family("gauge", "pilot_xds", "Number of endpoints connected to this pilot using XDS.",
		fmt.Sprintf("pilot_xds{version=%q} %d", i.Version, len(i.Proxies)))
	return out.String()
}
