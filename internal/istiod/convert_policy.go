package istiod

import (
	"fmt"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

func (b *builder) policy(p *protoPolicy, pointer string) {
	out := Policy{
		Pointer:   pointer,
		Name:      p.Name,
		Namespace: p.Namespace,
		Scope: p.Scope.in("", ztunnel.ScopeGlobal, "GLOBAL", ztunnel.ScopeGlobal,
			"NAMESPACE", ztunnel.ScopeNamespace, "WORKLOAD_SELECTOR", ztunnel.ScopeWorkloadSelector),
		Action: p.Action.in("", ztunnel.ActionAllow, "ALLOW", ztunnel.ActionAllow, "DENY", ztunnel.ActionDeny),
		Rules:  [][][]ztunnel.Match{},
		DryRun: &p.DryRun,
	}
	for _, group := range p.Groups {
		rule := [][]ztunnel.Match{}
		for _, clause := range group.Rules {
			matches := []ztunnel.Match{}
			for i := range clause.Matches {
				matches = append(matches, clause.Matches[i].convert())
			}
			rule = append(rule, matches)
		}
		out.Rules = append(out.Rules, rule)
	}
	out.FillDefaults()
	b.out.Policies = append(b.out.Policies, out)
}

func (m *protoMatch) convert() ztunnel.Match {
	return ztunnel.Match{
		Namespaces:          each(m.Namespaces, protoString.convert),
		NotNamespaces:       each(m.NotNamespaces, protoString.convert),
		ServiceAccounts:     each(m.ServiceAccounts, protoServiceAccount.convert),
		NotServiceAccounts:  each(m.NotServiceAccounts, protoServiceAccount.convert),
		Principals:          each(m.Principals, protoString.convert),
		NotPrincipals:       each(m.NotPrincipals, protoString.convert),
		SourceIPs:           each(m.SourceIPs, protoRange.String),
		NotSourceIPs:        each(m.NotSourceIPs, protoRange.String),
		DestinationIPs:      each(m.DestinationIPs, protoRange.String),
		NotDestinationIPs:   each(m.NotDestinationIPs, protoRange.String),
		DestinationPorts:    m.DestinationPorts,
		NotDestinationPorts: m.NotDestinationPorts,
	}
}

func (s protoString) convert() ztunnel.StringMatch {
	switch {
	case s.Exact != nil:
		return ztunnel.StringMatch{Kind: ztunnel.MatchExact, Value: *s.Exact}
	case s.Prefix != nil:
		return ztunnel.StringMatch{Kind: ztunnel.MatchPrefix, Value: *s.Prefix}
	case s.Suffix != nil:
		return ztunnel.StringMatch{Kind: ztunnel.MatchSuffix, Value: *s.Suffix}
	}
	return ztunnel.StringMatch{Kind: ztunnel.MatchPresence}
}

func (s protoServiceAccount) convert() ztunnel.ServiceAccountMatch {
	return ztunnel.ServiceAccountMatch{Namespace: s.Namespace, ServiceAccount: s.ServiceAccount}
}

// String is the CIDR.
func (r protoRange) String() string { return fmt.Sprintf("%s/%d", addressText(r.Address), r.Length) }

func each[From, To any](list []From, convert func(From) To) []To {
	if len(list) == 0 {
		return nil
	}
	out := make([]To, 0, len(list))
	for _, v := range list {
		out = append(out, convert(v))
	}
	return out
}
