package sim

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// authorization is a policy as ztunnel prints it, src/rbac.rs.
type authorization struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Rules     [][][]policyMatch `json:"rules"`
}

type policyMatch struct {
	Namespaces          []stringMatch `json:"namespaces"`
	NotNamespaces       []stringMatch `json:"notNamespaces"`
	Principals          []stringMatch `json:"principals"`
	NotPrincipals       []stringMatch `json:"notPrincipals"`
	SourceIPs           []string      `json:"sourceIps"`
	NotSourceIPs        []string      `json:"notSourceIps"`
	DestinationIPs      []string      `json:"destinationIps"`
	NotDestinationIPs   []string      `json:"notDestinationIps"`
	DestinationPorts    []int32       `json:"destinationPorts"`
	NotDestinationPorts []int32       `json:"notDestinationPorts"`
}

// stringMatch has one of the keys Exact, Prefix, Suffix, Presence.
type stringMatch map[string]any

func (m stringMatch) pattern() string {
	switch {
	case m["Exact"] != nil:
		return fmt.Sprint(m["Exact"])
	case m["Prefix"] != nil:
		return fmt.Sprint(m["Prefix"], "*")
	case m["Suffix"] != nil:
		return fmt.Sprint("*", m["Suffix"])
	}
	return "*"
}

// strictPolicy is the name under which istiod sends a strict PeerAuthentication.
const strictPolicy = "istio_converted_static_strict"

// policyObjects turns the recorded policies back into the objects that they were written as.
func (r *recording) policyObjects() []stored {
	rules := map[string][][][]policyMatch{}
	for _, n := range r.nodes {
		for _, p := range n.state.Policies {
			rules[podKey(p.Namespace, p.Name)] = p.Rules
		}
	}
	var out []stored
	for _, p := range r.Policies {
		if p.Name == strictPolicy {
			out = append(out, stored{"peerauthentications", p.peerAuthentication(r.settled())})
			continue
		}
		out = append(out, stored{"authorizationpolicies", p.authorizationPolicy(rules[podKey(p.Namespace, p.Name)], r.settled())})
	}
	return out
}

func (p recordedPolicy) peerAuthentication(created time.Time) *unstructured.Unstructured {
	spec := map[string]any{"mtls": map[string]any{"mode": "STRICT"}}
	if p.App != "" {
		spec["selector"] = selectorOf(p.App)
	}
	return customObject(p.Namespace, "default", created, spec)
}

func (p recordedPolicy) authorizationPolicy(rules [][][]policyMatch, created time.Time) *unstructured.Unstructured {
	spec := map[string]any{"action": strings.ToUpper(cmp.Or(p.Action, "Allow"))}
	if p.App != "" {
		spec["selector"] = selectorOf(p.App)
	}
	var written []any
	for _, rule := range rules {
		written = append(written, writtenRule(rule))
	}
	if written != nil {
		spec["rules"] = written
	}
	return customObject(p.Namespace, p.Name, created, spec)
}

func selectorOf(app string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{"app": app}}
}

func customObject(namespace, name string, created time.Time, spec map[string]any) *unstructured.Unstructured {
	metadata := map[string]any{"name": name, "generation": int64(1), "creationTimestamp": created.UTC().Format(time.RFC3339)}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return &unstructured.Unstructured{Object: map[string]any{"metadata": metadata, "spec": spec}}
}

// writtenRule is the inverse of istio's pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go:
// a clause about sources is a `from`, one about ports a `to`, one about destination addresses a `when`.
func writtenRule(clauses [][]policyMatch) map[string]any {
	rule := map[string]any{}
	for _, clause := range clauses {
		var from, to []any
		for _, m := range clause {
			if source := m.source(); len(source) > 0 {
				from = append(from, map[string]any{"source": source})
			}
			if operation := m.operation(); len(operation) > 0 {
				to = append(to, map[string]any{"operation": operation})
			}
			if len(m.DestinationIPs)+len(m.NotDestinationIPs) > 0 {
				when, _ := rule["when"].([]any)
				rule["when"] = append(when, m.condition())
			}
		}
		if from != nil {
			rule["from"] = from
		}
		if to != nil {
			rule["to"] = to
		}
	}
	return rule
}

func (m policyMatch) source() map[string]any {
	source := map[string]any{}
	set(source, "principals", patterns(m.Principals))
	set(source, "notPrincipals", patterns(m.NotPrincipals))
	set(source, "namespaces", patterns(m.Namespaces))
	set(source, "notNamespaces", patterns(m.NotNamespaces))
	set(source, "ipBlocks", texts(m.SourceIPs))
	set(source, "notIpBlocks", texts(m.NotSourceIPs))
	return source
}

func (m policyMatch) operation() map[string]any {
	operation := map[string]any{}
	set(operation, "ports", texts(m.DestinationPorts))
	set(operation, "notPorts", texts(m.NotDestinationPorts))
	return operation
}

func (m policyMatch) condition() map[string]any {
	condition := map[string]any{"key": "destination.ip"}
	set(condition, "values", texts(m.DestinationIPs))
	set(condition, "notValues", texts(m.NotDestinationIPs))
	return condition
}

func set(into map[string]any, key string, values []any) {
	if len(values) > 0 {
		into[key] = values
	}
}

func patterns(matches []stringMatch) []any {
	var out []any
	for _, m := range matches {
		out = append(out, m.pattern())
	}
	return out
}

func texts[T any](values []T) []any {
	var out []any
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}
