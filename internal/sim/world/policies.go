package world

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// RecordedPolicy is a policy as istiod sends it to ztunnels.
type RecordedPolicy struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"`
	Scope     string `json:"scope"`
	App       string `json:"app"`
}

// PolicyMatch is one match of a policy's rules, as istiod sends it to ztunnels.
type PolicyMatch struct {
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

// StrictPolicy is the name under which istiod sends a strict PeerAuthentication.
const StrictPolicy = "istio_converted_static_strict"

// AuthorizationPolicy is the AuthorizationPolicy that the policy is made from.
func (p RecordedPolicy) AuthorizationPolicy(rules [][][]PolicyMatch, created time.Time) *unstructured.Unstructured {
	spec := map[string]any{"action": strings.ToUpper(cmp.Or(p.Action, "Allow"))}
	if p.App != "" {
		spec["selector"] = SelectorOf(p.App)
	}
	var written []any
	for _, rule := range rules {
		written = append(written, writtenRule(rule))
	}
	if written != nil {
		spec["rules"] = written
	}
	return CustomObject(p.Namespace, p.Name, created, spec)
}

// SelectorOf selects the pods of an application.
func SelectorOf(app string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{"app": app}}
}

// CustomObject is an object of a custom resource with such a spec.
func CustomObject(namespace, name string, created time.Time, spec map[string]any) *unstructured.Unstructured {
	metadata := map[string]any{"name": name, "generation": int64(1), "creationTimestamp": created.UTC().Format(time.RFC3339)}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return &unstructured.Unstructured{Object: map[string]any{"metadata": metadata, "spec": spec}}
}

// writtenRule is the inverse of istio's pilot/pkg/serviceregistry/kube/controller/ambient/authorization.go:
// a clause about sources is a `from`, one about ports a `to`, one about destination addresses a `when`.
func writtenRule(clauses [][]PolicyMatch) map[string]any {
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

func (m PolicyMatch) source() map[string]any {
	source := map[string]any{}
	set(source, "principals", patterns(m.Principals))
	set(source, "notPrincipals", patterns(m.NotPrincipals))
	set(source, "namespaces", patterns(m.Namespaces))
	set(source, "notNamespaces", patterns(m.NotNamespaces))
	set(source, "ipBlocks", texts(m.SourceIPs))
	set(source, "notIpBlocks", texts(m.NotSourceIPs))
	return source
}

func (m PolicyMatch) operation() map[string]any {
	operation := map[string]any{}
	set(operation, "ports", texts(m.DestinationPorts))
	set(operation, "notPorts", texts(m.NotDestinationPorts))
	return operation
}

func (m PolicyMatch) condition() map[string]any {
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
