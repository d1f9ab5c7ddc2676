package ztunnel

import "github.com/go-json-experiment/json/jsontext"

// Values of [Policy].Scope and Action.
const (
	ScopeGlobal           = "Global"
	ScopeNamespace        = "Namespace"
	ScopeWorkloadSelector = "WorkloadSelector"

	ActionAllow = "Allow"
	ActionDeny  = "Deny"
)

// Policy is an L4 authorization policy, as src/rbac.rs serialises it.
type Policy struct {
	// Pointer is the JSON pointer of the policy in the file it was read from.
	Pointer string `json:"-"`

	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Scope     string `json:"scope"`
	Action    string `json:"action"`
	// Rules are ORed; the clauses of a rule are ANDed; the matches of a clause
	// are ORed. A policy without rules never matches.
	Rules [][][]Match `json:"rules"`
	// DryRun is nil below 1.29, which enforce every policy.
	DryRun *bool `json:"dryRun,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Key is "<namespace>/<name>", how workloads and log lines refer to the policy.
func (p *Policy) Key() string { return p.Namespace + "/" + p.Name }

// Match is one match of a policy: its fields are ANDed, the values of a field
// are ORed, and of a Not field none may hit. Ports are of the destination;
// addresses are CIDRs.
type Match struct {
	Namespaces          []StringMatch         `json:"namespaces,omitzero"`
	NotNamespaces       []StringMatch         `json:"notNamespaces,omitzero"`
	ServiceAccounts     []ServiceAccountMatch `json:"serviceAccounts,omitzero"`
	NotServiceAccounts  []ServiceAccountMatch `json:"notServiceAccounts,omitzero"`
	Principals          []StringMatch         `json:"principals,omitzero"`
	NotPrincipals       []StringMatch         `json:"notPrincipals,omitzero"`
	SourceIPs           []string              `json:"sourceIps,omitzero"`
	NotSourceIPs        []string              `json:"notSourceIps,omitzero"`
	DestinationIPs      []string              `json:"destinationIps,omitzero"`
	NotDestinationIPs   []string              `json:"notDestinationIps,omitzero"`
	DestinationPorts    []uint16              `json:"destinationPorts,omitzero"`
	NotDestinationPorts []uint16              `json:"notDestinationPorts,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// ServiceAccountMatch matches one service account, from 1.25.
type ServiceAccountMatch struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`

	Extra jsontext.Value `json:",embed"`
}

// MatchKind is how a [StringMatch] compares.
type MatchKind string

// The kinds of src/rbac.rs StringMatch. Presence has no value.
const (
	MatchExact    MatchKind = "Exact"
	MatchPrefix   MatchKind = "Prefix"
	MatchSuffix   MatchKind = "Suffix"
	MatchPresence MatchKind = "Presence"
)

// StringMatch compares a string: {"Exact": "a"}, {"Presence": []}.
type StringMatch struct {
	Kind  MatchKind
	Value string
	// other is the value of a kind that takes no string.
	other jsontext.Value
}

// UnmarshalJSONFrom reads the one member of the object.
func (m *StringMatch) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*m = StringMatch{}
	var members map[MatchKind]jsontext.Value
	if err := unmarshalNext(dec, &members); err != nil {
		return err
	}
	for kind, v := range members {
		m.Kind = kind
		if v.Kind() != '"' {
			if kind != MatchPresence || string(v) != "[]" {
				m.other = v
			}
			continue
		}
		if err := unmarshalBytes(v, &m.Value); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSONTo writes the object with its one member.
func (m StringMatch) MarshalJSONTo(enc *jsontext.Encoder) error {
	if m.Kind == MatchPresence && m.other == nil {
		m.other = jsontext.Value("[]")
	}
	if m.other != nil {
		return marshalNext(enc, map[MatchKind]jsontext.Value{m.Kind: m.other})
	}
	return marshalNext(enc, map[MatchKind]string{m.Kind: m.Value})
}
