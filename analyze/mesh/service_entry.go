package mesh

import "time"

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
