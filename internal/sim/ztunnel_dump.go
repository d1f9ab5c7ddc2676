package sim

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

func (z *ztunnel) dumpWorkload(p *meshPod) dumpWorkload {
	w := dumpWorkload{
		AuthorizationPolicies: slices.Clone(p.policies),
		CanonicalName:         p.app, CanonicalRevision: p.revision(), Capacity: 1, ClusterID: p.cluster,
		Locality: dumpLocality{Region: p.region(), Zone: p.onNode.zone},
		Name:     p.name, Namespace: p.namespace, NativeTunnel: p.native, Network: p.network,
		NetworkMode: choose(p.hostNet, "HostNetwork", "Standard"), Node: p.node,
		Protocol: choose(z.hbone(p), "HBONE", "TCP"), ServiceAccount: p.serviceAccount,
		Status: choose(p.healthy(), "Healthy", "Unhealthy"), TrustDomain: cmp.Or(p.domain, defaultTrustDomain), UID: p.uidWDS(),
		WorkloadIPs: p.ips, WorkloadName: p.workloadName(), WorkloadType: "pod",
	}
	if p.gateway != "" {
		w.NetworkGateway = &dumpGateway{Destination: p.gateway, HBONEMTLSPort: istio.HBONEPort}
	}
	return w
}

// revision is the canonical revision: the version label, or latest.
func (p *meshPod) revision() string {
	if v := p.labels["version"]; v != "" {
		return v
	}
	return "latest"
}

func (p *meshPod) region() string { return strings.TrimRight(p.onNode.zone, "abc") }

// workloadName is the controller that the pod's name was made by.
func (p *meshPod) workloadName() string {
	if p.owner.Kind == "DaemonSet" {
		return p.owner.Name
	}
	return replicaSetName(replicaSetName(p.name))
}

func (z *ztunnel) dumpServices() []dumpService {
	out := []dumpService{}
	if z.empty {
		return out
	}
	services := slices.Clone(z.mesh.services)
	slices.SortStableFunc(services, func(a, b *meshService) int { return strings.Compare(a.hostname(), b.hostname()) })
	no := false
	for _, s := range services {
		if z.lacks[s] {
			continue
		}
		d := dumpService{
			Endpoints: map[string]dumpEndpoint{}, Hostname: s.hostname(), IPFamilies: "IPv4", Name: s.name, Namespace: s.namespace,
			Ports: map[string]int32{strconv.Itoa(int(s.port)): s.target}, SubjectAltNames: []string{}, VIPs: []string{z.mesh.network + "/" + s.ips[0]},
		}
		if z.family.canonicalServices() {
			d.Canonical = &no
		}
		if z.family.visibility() {
			d.Visibility = "Public"
		}
		if s.through != nil {
			d.Waypoint = &dumpGateway{Destination: cmp.Or(s.sentTo, s.through.service.key()), HBONEMTLSPort: istio.HBONEPort}
		}
		d.LoadBalancer = s.balance.dump()
		for _, p := range z.endpoints(s) {
			d.Endpoints[p.uidWDS()] = dumpEndpoint{Port: d.Ports, Status: "Healthy", WorkloadUID: p.uidWDS()}
		}
		out = append(out, d)
	}
	return out
}

func (z *ztunnel) dumpPolicies() []dumpPolicy {
	out := []dumpPolicy{}
	if z.empty {
		return out
	}
	policies := slices.Clone(z.mesh.policies)
	slices.SortFunc(policies, func(a, b *meshPolicy) int { return strings.Compare(a.key(), b.key()) })
	for _, p := range policies {
		if z.unknown[p.key()] {
			continue
		}
		d := dumpPolicy{Action: choose(p.deny, "Deny", "Allow"), Name: p.name, Namespace: p.namespace, Rules: p.dumpRules(), Scope: "WorkloadSelector"}
		if z.family.dryRunPolicies() {
			d.DryRun = &p.trial
		}
		out = append(out, d)
	}
	return out
}

func (p *meshPolicy) dumpRules() [][][]dumpMatch {
	match := dumpMatch{}
	for _, principal := range p.principals {
		match.Principals = append(match.Principals, map[string]string{"Exact": principal})
	}
	switch {
	case p.empty:
		return [][][]dumpMatch{}
	case p.plaintext:
		match.NotPrincipals = []map[string]any{{"Presence": map[string]any{}}}
	}
	return [][][]dumpMatch{{{match}}}
}

func (z *ztunnel) dumpCertificates() ([]dumpCertificate, error) {
	out := []dumpCertificate{}
	for _, identity := range z.identities() {
		state := z.certs[identity]
		c := dumpCertificate{CertChain: []dumpCert{}, Identity: identity, RootCerts: []dumpCert{}, State: "Available"}
		if state.initializing {
			c.State = "Initializing"
			out = append(out, c)
			continue
		}
		if state.unavailable != "" {
			c.State = "Unavailable: " + state.unavailable
			out = append(out, c)
			continue
		}
		ca, from := z.mesh.ca, z.mesh.now.Add(-leafAge)
		if state.ca != nil {
			ca = state.ca
		}
		if !state.notBefore.IsZero() {
			from = state.notBefore
		}
		until := from.Add(leafLifetime + backdated)
		if !state.notAfter.IsZero() {
			until = state.notAfter
		}
		leaf, err := ca.issue(identity, z.node.name, from, until)
		if err != nil {
			return nil, err
		}
		c.CertChain, c.RootCerts = append(c.CertChain, leaf), append(c.RootCerts, ca.root)
		out = append(out, c)
	}
	return out, nil
}

func (z *ztunnel) dumpProxies() map[string]dumpProxy {
	out := map[string]dumpProxy{}
	for _, p := range z.locals() {
		proxy := dumpProxy{
			Info:  dumpInfo{Name: p.name, Namespace: p.namespace, ServiceAccount: p.serviceAccount},
			State: "Pending",
		}
		if p.proxy == proxyUp {
			proxy.State, proxy.Connections = "Up", &dumpConnections{Inbound: []string{}, Outbound: []string{}}
		}
		out[p.uid] = proxy
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
