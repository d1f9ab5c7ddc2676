package world

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// The types of this file print what ztunnel's serializers print: keys in alphabetical order, and
// only those keys that a ztunnel of the version would print. ztunnel src/admin.rs, src/state/*.rs,
// src/rbac.rs, src/inpod/admin.rs.

type dumpStatic struct {
	Policies  []string `json:"policies"`
	Services  []string `json:"services"`
	Workloads []string `json:"workloads"`
}

type dumpCertificate struct {
	CertChain []dumpCert `json:"certChain"`
	Identity  string     `json:"identity"`
	RootCerts []dumpCert `json:"rootCerts"`
	State     string     `json:"state"`
}

type dumpCert struct {
	ExpirationTime string `json:"expirationTime"`
	PEM            string `json:"pem"`
	SerialNumber   string `json:"serialNumber"`
	ValidFrom      string `json:"validFrom"`
}

type dumpPolicy struct {
	Action    string          `json:"action"`
	DryRun    *bool           `json:"dryRun,omitempty"`
	Name      string          `json:"name"`
	Namespace string          `json:"namespace"`
	Rules     [][][]dumpMatch `json:"rules"`
	Scope     string          `json:"scope"`
}

type dumpMatch struct {
	NotPrincipals []map[string]any    `json:"notPrincipals,omitempty"`
	Principals    []map[string]string `json:"principals,omitempty"`
}

type dumpGateway struct {
	Destination   string `json:"destination"`
	HBONEMTLSPort int    `json:"hboneMtlsPort"`
}

type dumpService struct {
	Canonical       *bool                   `json:"canonical,omitempty"`
	Endpoints       map[string]dumpEndpoint `json:"endpoints"`
	Hostname        string                  `json:"hostname"`
	IPFamilies      string                  `json:"ipFamilies,omitempty"`
	LoadBalancer    *dumpLoadBalancer       `json:"loadBalancer,omitempty"`
	Name            string                  `json:"name"`
	Namespace       string                  `json:"namespace"`
	Ports           map[string]int32        `json:"ports"`
	SubjectAltNames []string                `json:"subjectAltNames"`
	VIPs            []string                `json:"vips"`
	Visibility      string                  `json:"visibility,omitempty"`
	Waypoint        *dumpGateway            `json:"waypoint,omitempty"`
}

type dumpEndpoint struct {
	Port        map[string]int32 `json:"port"`
	Status      string           `json:"status"`
	WorkloadUID string           `json:"workloadUid"`
}

type dumpProxy struct {
	Connections *dumpConnections `json:"connections,omitempty"`
	Info        dumpInfo         `json:"info"`
	State       string           `json:"state"`
}

type dumpConnections struct {
	Inbound  []string `json:"inbound"`
	Outbound []string `json:"outbound"`
}

type dumpInfo struct {
	Name           string `json:"name"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

type dumpLocality struct {
	Region  string `json:"region"`
	Subzone string `json:"subzone"`
	Zone    string `json:"zone"`
}

type dumpWorkload struct {
	AuthorizationPolicies []string     `json:"authorizationPolicies,omitempty"`
	CanonicalName         string       `json:"canonicalName"`
	CanonicalRevision     string       `json:"canonicalRevision"`
	Capacity              int          `json:"capacity"`
	ClusterID             string       `json:"clusterId"`
	Locality              dumpLocality `json:"locality"`
	Name                  string       `json:"name"`
	Namespace             string       `json:"namespace"`
	NativeTunnel          bool         `json:"nativeTunnel,omitempty"`
	Network               string       `json:"network,omitempty"`
	NetworkGateway        *dumpGateway `json:"networkGateway,omitempty"`
	NetworkMode           string       `json:"networkMode"`
	Node                  string       `json:"node"`
	Protocol              string       `json:"protocol"`
	ServiceAccount        string       `json:"serviceAccount"`
	Services              []string     `json:"services,omitempty"`
	Status                string       `json:"status"`
	TrustDomain           string       `json:"trustDomain"`
	UID                   string       `json:"uid"`
	WorkloadIPs           []string     `json:"workloadIps"`
	WorkloadName          string       `json:"workloadName"`
	WorkloadType          string       `json:"workloadType"`
}

func (z *Ztunnel) dumpWorkload(p *Pod) dumpWorkload {
	w := dumpWorkload{
		AuthorizationPolicies: slices.Clone(p.Policies),
		CanonicalName:         p.App, CanonicalRevision: p.revision(), Capacity: 1, ClusterID: p.cluster,
		Locality: dumpLocality{Region: p.region(), Zone: p.OnNode.Zone},
		Name:     p.Name, Namespace: p.Namespace, NativeTunnel: p.Native, Network: p.Network,
		NetworkMode: Choose(p.HostNet, "HostNetwork", "Standard"), Node: p.Node,
		Protocol: Choose(z.HBONE(p), "HBONE", "TCP"), ServiceAccount: p.ServiceAccount,
		Status: Choose(p.healthy(), "Healthy", "Unhealthy"), TrustDomain: cmp.Or(p.domain, defaultTrustDomain), UID: p.uidWDS(),
		WorkloadIPs: p.IPs, WorkloadName: p.workloadName(), WorkloadType: "pod",
	}
	if p.gateway != "" {
		w.NetworkGateway = &dumpGateway{Destination: p.gateway, HBONEMTLSPort: istio.HBONEPort}
	}
	return w
}

// revision is the canonical revision: the version label, or latest.
func (p *Pod) revision() string {
	if v := p.Labels["version"]; v != "" {
		return v
	}
	return "latest"
}

func (p *Pod) region() string { return strings.TrimRight(p.OnNode.Zone, "abc") }

// workloadName is the controller that the pod's name was made by.
func (p *Pod) workloadName() string {
	if p.Owner.Kind == "DaemonSet" {
		return p.Owner.Name
	}
	return ReplicaSetName(ReplicaSetName(p.Name))
}

func (z *Ztunnel) dumpServices() []dumpService {
	out := []dumpService{}
	if z.Empty {
		return out
	}
	services := slices.Clone(z.mesh.Services)
	slices.SortStableFunc(services, func(a, b *Service) int { return strings.Compare(a.Hostname(), b.Hostname()) })
	no := false
	for _, s := range services {
		if z.Lacks[s] {
			continue
		}
		d := dumpService{
			Endpoints: map[string]dumpEndpoint{}, Hostname: s.Hostname(), IPFamilies: "IPv4", Name: s.Name, Namespace: s.Namespace,
			Ports: map[string]int32{strconv.Itoa(int(s.Port)): s.Target}, SubjectAltNames: []string{}, VIPs: []string{z.mesh.network + "/" + s.IPs[0]},
		}
		if z.Family.canonicalServices() {
			d.Canonical = &no
		}
		if z.Family.visibility() {
			d.Visibility = "Public"
		}
		if s.Through != nil {
			d.Waypoint = &dumpGateway{Destination: cmp.Or(s.SentTo, s.Through.Service.key()), HBONEMTLSPort: istio.HBONEPort}
		}
		d.LoadBalancer = s.Balance.dump()
		for _, p := range z.endpoints(s) {
			d.Endpoints[p.uidWDS()] = dumpEndpoint{Port: d.Ports, Status: "Healthy", WorkloadUID: p.uidWDS()}
		}
		out = append(out, d)
	}
	return out
}

func (z *Ztunnel) dumpPolicies() []dumpPolicy {
	out := []dumpPolicy{}
	if z.Empty {
		return out
	}
	policies := slices.Clone(z.mesh.Policies)
	slices.SortFunc(policies, func(a, b *Policy) int { return strings.Compare(a.Key(), b.Key()) })
	for _, p := range policies {
		if z.Unknown[p.Key()] {
			continue
		}
		d := dumpPolicy{Action: Choose(p.Deny, "Deny", "Allow"), Name: p.Name, Namespace: p.Namespace, Rules: p.dumpRules(), Scope: "WorkloadSelector"}
		if z.Family.dryRunPolicies() {
			d.DryRun = &p.Trial
		}
		out = append(out, d)
	}
	return out
}

func (p *Policy) dumpRules() [][][]dumpMatch {
	match := dumpMatch{}
	for _, principal := range p.Principals {
		match.Principals = append(match.Principals, map[string]string{"Exact": principal})
	}
	switch {
	case p.Empty:
		return [][][]dumpMatch{}
	case p.Plaintext:
		match.NotPrincipals = []map[string]any{{"Presence": map[string]any{}}}
	}
	return [][][]dumpMatch{{{match}}}
}

func (z *Ztunnel) dumpCertificates() ([]dumpCertificate, error) {
	out := []dumpCertificate{}
	for _, identity := range z.Identities() {
		state := z.Certs[identity]
		c := dumpCertificate{CertChain: []dumpCert{}, Identity: identity, RootCerts: []dumpCert{}, State: "Available"}
		if state.Initializing {
			c.State = "Initializing"
			out = append(out, c)
			continue
		}
		if state.Unavailable != "" {
			c.State = "Unavailable: " + state.Unavailable
			out = append(out, c)
			continue
		}
		ca, from := z.mesh.CA, z.mesh.Now.Add(-leafAge)
		if state.CA != nil {
			ca = state.CA
		}
		if !state.NotBefore.IsZero() {
			from = state.NotBefore
		}
		until := from.Add(leafLifetime + backdated)
		if !state.NotAfter.IsZero() {
			until = state.NotAfter
		}
		leaf, err := ca.issue(identity, z.Node.Name, from, until)
		if err != nil {
			return nil, err
		}
		c.CertChain, c.RootCerts = append(c.CertChain, leaf), append(c.RootCerts, ca.root)
		out = append(out, c)
	}
	return out, nil
}

func (z *Ztunnel) dumpProxies() map[string]dumpProxy {
	out := map[string]dumpProxy{}
	for _, p := range z.Locals() {
		proxy := dumpProxy{
			Info:  dumpInfo{Name: p.Name, Namespace: p.Namespace, ServiceAccount: p.ServiceAccount},
			State: "Pending",
		}
		if p.Proxy == ProxyUp {
			proxy.State, proxy.Connections = "Up", &dumpConnections{Inbound: []string{}, Outbound: []string{}}
		}
		out[p.UID] = proxy
	}
	return out
}

// SortedKeys are the keys of m in order.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
