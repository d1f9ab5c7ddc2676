package collect

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// TestRightsHoldNoSurprise: nothing that reads a Secret, runs a command or
// reaches further than a collection does.
func TestRightsHoldNoSurprise(t *testing.T) {
	for name, opts := range map[string]Options{
		"by default":           {},
		"with waypoints":       {Waypoints: WaypointsTake},
		"of some namespaces":   {Namespaces: []string{"shop", "pay"}},
		"of a workload's mesh": {For: "shop/catalog", Namespaces: []string{"shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := RightsIn([]string{"istio-system", "istio-ingress"}, opts, "zbundle", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "alice"})
			noSurprise(t, r.Cluster.Rules)
			for _, role := range r.Namespaced {
				noSurprise(t, role.Rules)
			}
			for _, rule := range r.Cluster.Rules {
				if slices.ContainsFunc(rule.Resources, func(r string) bool { return strings.Contains(r, "/") }) {
					t.Errorf("%v is granted in all namespaces", rule.Resources)
				}
			}
		})
	}
}

func noSurprise(t *testing.T, rules []rbacv1.PolicyRule) {
	t.Helper()
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
