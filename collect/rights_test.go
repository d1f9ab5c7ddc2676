package collect

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// TestRightsHoldNoSurprise: nothing that reads a Secret, runs a command or
// reaches further than a collection does.
func TestRightsHoldNoSurprise(t *testing.T) {
	r := RightsFor("zbundle", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "alice"}, []string{"istio-system"})
	rules := slices.Concat(r.Cluster.Rules, r.Namespaced[0].Rules)
	for _, rule := range rules {
		for _, list := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs} {
			if slices.Contains(list, "*") {
				t.Errorf("a wildcard: %v", rule)
			}
		}
		for _, never := range []string{"secrets", "pods/exec", "pods/attach", "nodes/proxy", "serviceaccounts/token"} {
			if slices.Contains(rule.Resources, never) {
				t.Errorf("%s is granted", never)
			}
		}
		for _, verb := range rule.Verbs {
			reads := verb == "list" || verb == "get"
			if !reads && !(verb == "create" && slices.Equal(rule.Resources, []string{"pods/portforward"})) {
				t.Errorf("%s on %v is granted", verb, rule.Resources)
			}
		}
	}
}
