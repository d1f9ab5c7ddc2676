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

type selectorObject struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// policyObject is an AuthorizationPolicy (istio/api security/v1).
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

func (s *selectorObject) labels() map[string]string {
	if s == nil {
		return nil
	}
	return s.MatchLabels
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

func addPolicy(m *mesh.Mesh, o policyObject, at mesh.Evidence) {
	m.Policies = append(m.Policies, &mesh.Policy{
		Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Action: cmp.Or(o.Spec.Action, "ALLOW"), RuleCount: len(o.Spec.Rules),
		InKubernetes: true, Conditions: conditions(o.Status.Conditions), Created: o.Metadata.CreationTimestamp,
		TargetRefs: len(o.Spec.TargetRef) > 0 || len(o.Spec.TargetRefs) > 0, Selector: o.Spec.Selector.labels(),
		HTTPAttributes: httpAttributes(o.Spec.Rules), Principals: principals(o.Spec.Rules),
		DryRun: o.Metadata.Annotations[istio.DryRunAnnotation] == "true", Source: at,
	})
}
