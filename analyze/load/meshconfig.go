package load

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// The mesh's own configuration: istio/api security/v1 and networking/v1,
// gateway-api apis/v1.

type selectorObject struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

func (s *selectorObject) labels() map[string]string {
	if s == nil {
		return nil
	}
	return s.MatchLabels
}

type policyObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Action     string           `json:"action"`
		Selector   *selectorObject  `json:"selector"`
		TargetRef  jsontext.Value   `json:"targetRef"`
		TargetRefs []jsontext.Value `json:"targetRefs"`
		Rules      []ruleObject     `json:"rules"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

// ruleObject holds operations and sources by their fields' names: which are
// set is all that matters of most.
type ruleObject struct {
	From []struct {
		Source map[string]jsontext.Value `json:"source"`
	} `json:"from"`
	To []struct {
		Operation map[string]jsontext.Value `json:"operation"`
	} `json:"to"`
	When []struct {
		Key       string   `json:"key"`
		Values    []string `json:"values"`
		NotValues []string `json:"notValues"`
	} `json:"when"`
}

// What ztunnel can match of a rule, as istiod translates it (istio/istio
// pilot/pkg/serviceregistry/ambient/authorization.go); the rest takes a waypoint.
var (
	l4Sources    = []string{"principals", "namespaces", "serviceAccounts", "ipBlocks"}
	l4Operations = []string{"ports"}
	l4Conditions = []string{"source.ip", "source.namespace", "source.principal", "source.serviceAccount", "destination.ip", "destination.port"}
)

// negated is how a field's opposite is called.
func negated(name string) string { return "not" + strings.ToUpper(name[:1]) + name[1:] }

// known is true of a field that ztunnel can match, or of its opposite.
func known(fields []string, name string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return name == f || name == negated(f) })
}

// httpAttributes are the fields of a policy's rules that ztunnel can't match.
func httpAttributes(rules []ruleObject) []string {
	var out []string
	note := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, r := range rules {
		for _, from := range r.From {
			for name := range byKey(from.Source) {
				if !known(l4Sources, name) {
					note(name)
				}
			}
		}
		for _, to := range r.To {
			for name := range byKey(to.Operation) {
				if !known(l4Operations, name) {
					note(name)
				}
			}
		}
		for _, when := range r.When {
			if !slices.Contains(l4Conditions, when.Key) {
				note(when.Key)
			}
		}
	}
	return out
}

// principals are all that a policy's rules name.
func principals(rules []ruleObject) []string {
	var out []string
	for _, r := range rules {
		for _, from := range r.From {
			for _, field := range []string{"principals", "notPrincipals"} {
				var values []string
				if json.Unmarshal(from.Source[field], &values, rawjson.Lenient()) == nil {
					out = append(out, values...)
				}
			}
		}
		for _, when := range r.When {
			if when.Key == "source.principal" {
				out = append(append(out, when.Values...), when.NotValues...)
			}
		}
	}
	return out
}

func (l *loader) policy(o policyObject, at mesh.Evidence) {
	l.mesh.Policies = append(l.mesh.Policies, &mesh.Policy{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Action: cmp.Or(o.Spec.Action, "ALLOW"), RuleCount: len(o.Spec.Rules),
		InKubernetes: true, Conditions: conditions(o.Status.Conditions), Created: o.Metadata.CreationTimestamp,
		TargetRefs: len(o.Spec.TargetRef) > 0 || len(o.Spec.TargetRefs) > 0, Selector: o.Spec.Selector.labels(),
		HTTPAttributes: httpAttributes(o.Spec.Rules), Principals: principals(o.Spec.Rules),
		DryRun: o.Metadata.Annotations[istio.DryRunAnnotation] == "true", Source: at,
	})
}

type peerAuthObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Selector *selectorObject `json:"selector"`
		MTLS     struct {
			Mode string `json:"mode"`
		} `json:"mtls"`
		PortLevelMTLS map[string]struct {
			Mode string `json:"mode"`
		} `json:"portLevelMtls"`
	} `json:"spec"`
}

func (l *loader) peerAuth(o peerAuthObject, at mesh.Evidence) {
	p := &mesh.PeerAuth{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Created: o.Metadata.CreationTimestamp,
		Mode: cmp.Or(o.Spec.MTLS.Mode, "UNSET"), PortModes: map[string]string{}, Selector: o.Spec.Selector.labels(), Source: at,
	}
	for port, mtls := range o.Spec.PortLevelMTLS {
		p.PortModes[port] = cmp.Or(mtls.Mode, "UNSET")
	}
	l.mesh.PeerAuthentications = append(l.mesh.PeerAuthentications, p)
}

type serviceEntryObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Hosts      []string `json:"hosts"`
		Addresses  []string `json:"addresses"`
		Resolution string   `json:"resolution"`
	} `json:"spec"`
	Status struct {
		Conditions []condition `json:"conditions"`
		Addresses  []struct {
			Value string `json:"value"`
		} `json:"addresses"`
	} `json:"status"`
}

func (l *loader) serviceEntry(o serviceEntryObject, at mesh.Evidence) {
	e := &mesh.ServiceEntry{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Labels: o.Metadata.Labels, Created: o.Metadata.CreationTimestamp,
		Hosts: o.Spec.Hosts, Addresses: o.Spec.Addresses, Resolution: cmp.Or(o.Spec.Resolution, "NONE"),
		Conditions: conditions(o.Status.Conditions), Source: at,
	}
	for _, a := range o.Status.Addresses {
		e.Addresses = append(e.Addresses, a.Value)
	}
	l.mesh.ServiceEntries = append(l.mesh.ServiceEntries, e)
}

type gatewayObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		GatewayClassName string `json:"gatewayClassName"`
		Listeners        []struct {
			Name     string `json:"name"`
			Port     int    `json:"port"`
			Protocol string `json:"protocol"`
		} `json:"listeners"`
	} `json:"spec"`
	Status struct {
		Addresses []struct {
			Value string `json:"value"`
		} `json:"addresses"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type gatewayClassObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		ControllerName string `json:"controllerName"`
	} `json:"spec"`
}

func (l *loader) gateway(o gatewayObject, at mesh.Evidence) {
	w := &mesh.Waypoint{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Class: o.Spec.GatewayClassName, Kind: "gateway",
		TrafficType: o.Metadata.Labels[istio.WaypointForLabel],
		Conditions:  conditions(o.Status.Conditions), Created: o.Metadata.CreationTimestamp, Replicas: -1, Source: at,
	}
	w.Programmed = w.Conditions["Programmed"].Status == "True"
	for _, a := range o.Status.Addresses {
		w.Addresses = append(w.Addresses, a.Value)
	}
	for _, s := range o.Spec.Listeners {
		w.Listeners = append(w.Listeners, &mesh.Listener{Name: s.Name, Port: s.Port, Protocol: s.Protocol})
	}
	l.mesh.Waypoints = append(l.mesh.Waypoints, w)
}

// finishGateways adds what the objects beside a Gateway say of it.
func (l *loader) finishGateways() {
	for _, w := range l.mesh.Waypoints {
		class, known := l.classes[w.Class]
		w.ClassKnown = known
		w.TrafficType = cmp.Or(w.TrafficType, class.Metadata.Labels[istio.WaypointForLabel], "service")
		if n, ok := l.replicas[w.Namespace+"/"+w.Name]; ok {
			w.Replicas = n
		}
	}
	l.classifyGateways()
	l.gatewayVersions()
}

// gatewayVersions gives each Gateway the version of its connected proxies.
func (l *loader) gatewayVersions() {
	gateways := make(map[string]*mesh.Waypoint, len(l.mesh.Waypoints))
	for _, w := range l.mesh.Waypoints {
		gateways[w.Namespace+"/"+w.Name] = w
	}
	for _, p := range l.mesh.Pods {
		v := l.versions[p.Name+"."+p.Namespace]
		w := gateways[p.Namespace+"/"+p.Labels[istio.GatewayNameLabel]]
		if v != "" && w != nil {
			w.Version = v
		}
	}
}
