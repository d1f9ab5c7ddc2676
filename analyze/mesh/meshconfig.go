package mesh

import (
	"slices"
	"strings"
	"time"
)

// ServiceEntry is an Istio ServiceEntry and what ztunnels hold of its hosts.
type ServiceEntry struct {
	Created    time.Time         `expr:"created"`
	Namespace  string            `expr:"namespace"`
	Name       string            `expr:"name"`
	Labels     map[string]string `expr:"labels"`
	AgeSeconds float64           `expr:"ageSeconds"`
	Hosts      []string          `expr:"hosts"`
	Addresses  []string          `expr:"addresses"`
	// Resolution is "NONE" (the default), "STATIC", "DNS", "DNS_ROUND_ROBIN" or "DYNAMIC_DNS".
	Resolution string               `expr:"resolution"`
	Conditions map[string]Condition `expr:"conditions"`
	// Services are those that ztunnels hold of its hosts.
	Services []*Service `expr:"services"`
	Source   Evidence
}

// PeerAuth is an Istio PeerAuthentication.
type PeerAuth struct {
	Created    time.Time `expr:"created"`
	Namespace  string    `expr:"namespace"`
	Name       string    `expr:"name"`
	AgeSeconds float64   `expr:"ageSeconds"`
	// Mode is "STRICT", "PERMISSIVE", "DISABLE" or, for one inherited, "UNSET"; PortModes are those of single ports.
	Mode      string            `expr:"mode"`
	PortModes map[string]string `expr:"portModes"`
	// Selector is spec.selector.matchLabels; nil selects the whole namespace.
	Selector map[string]string `expr:"selector"`
	// SelectsEnrolled counts the enrolled pods that it selects.
	SelectsEnrolled int `expr:"selectsEnrolled"`
	Source          Evidence
}

// joinMeshConfig ties ServiceEntries and PeerAuthentications to what they are about.
func (m *Mesh) joinMeshConfig() {
	for _, e := range m.ServiceEntries {
		for _, host := range e.Hosts {
			if s := m.index.services[e.Namespace+"/"+host]; s != nil {
				e.Services = append(e.Services, s)
			}
		}
	}
	for _, p := range m.PeerAuths {
		for _, pod := range m.Pods {
			if pod.Enrolled && m.inScope(p.Namespace, pod) && selects(p.Selector, pod.Labels) {
				p.SelectsEnrolled++
			}
		}
	}
}

// inScope is true of the pods that a policy of the namespace can be about: its own, or any for the root namespace's.
func (m *Mesh) inScope(namespace string, pod *Pod) bool {
	return namespace == pod.Namespace || namespace == m.RootNamespace
}

// joinStrangers finds the principals that nobody here can have. Patterns are left out.
func (m *Mesh) joinStrangers() {
	if len(m.ServiceAccounts) == 0 {
		return
	}
	for _, p := range m.Policies {
		for _, principal := range p.Principals {
			domain, rest, ok := strings.Cut(strings.TrimPrefix(principal, "spiffe://"), "/ns/")
			ns, account, named := strings.Cut(rest, "/sa/")
			if !ok || !named || strings.Contains(principal, "*") {
				continue
			}
			own := domain == m.TrustDomain || slices.Contains(m.TrustDomainAliases, domain)
			if !own || !m.ServiceAccounts[ns+"/"+account] {
				p.Strangers = append(p.Strangers, principal)
			}
		}
	}
}

func (e *ServiceEntry) Subject() Subject {
	return Subject{Kind: "serviceentry", Namespace: e.Namespace, Name: e.Name}
}
func (e *ServiceEntry) Refs() []string {
	keys := []string{e.Subject().Key()}
	keys = append(keys, keysOf(e.Services)...)
	for _, host := range e.Hosts {
		keys = append(keys, serviceSubject(host).Key())
	}
	return refs(keys...)
}
func (e *ServiceEntry) Evidence() []Evidence    { return evidence(e.Source) }
func (e *ServiceEntry) Gap(string) (*Gap, bool) { return nil, false }

func (p *PeerAuth) Subject() Subject {
	return Subject{Kind: "peerauthentication", Namespace: p.Namespace, Name: p.Name}
}
func (p *PeerAuth) Refs() []string          { return refs(p.Subject().Key()) }
func (p *PeerAuth) Evidence() []Evidence    { return evidence(p.Source) }
func (p *PeerAuth) Gap(string) (*Gap, bool) { return nil, false }
