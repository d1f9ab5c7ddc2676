package main

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/sim"
)

// narrowRights are those that zbundle rbac prints for the mesh's namespace, but
// for lists of some kinds, which are granted in single namespaces only.
func narrowRights(single []string, resources ...string) []sim.Role {
	granted := collect.RightsIn([]string{"istio-system"}, collect.Options{Waypoints: collect.WaypointsLeave}, "alice", rbacv1.Subject{})
	roles := []sim.Role{}
	var cluster sim.Role
	for _, rule := range granted.Cluster.Rules {
		moved := slices.DeleteFunc(slices.Clone(rule.Resources), func(r string) bool { return len(resources) > 0 && !slices.Contains(resources, r) })
		rule.Resources = slices.DeleteFunc(slices.Clone(rule.Resources), func(r string) bool { return slices.Contains(moved, r) })
		cluster.Rules = append(cluster.Rules, rule)
		for _, ns := range single {
			one := rule
			one.Resources = moved
			roles = append(roles, sim.Role{Namespace: ns, Rules: []rbacv1.PolicyRule{one}})
		}
	}
	for _, role := range granted.Namespaced {
		roles = append(roles, sim.Role{Namespace: role.Namespace, Rules: role.Rules})
	}
	return append(roles, cluster)
}

// TestWhatMayNotBeSeenIsNoFinding looks at a healthy mesh with rights to parts of it.
func TestWhatMayNotBeSeenIsNoFinding(t *testing.T) {
	atLength(t)
	mesh, apps := []string{"istio-system"}, []string{"istio-system", "shop"}
	for name, roles := range map[string][]sim.Role{
		"everything of the mesh's own":         narrowRights(mesh),
		"everything of two namespaces":         narrowRights(apps),
		"all but other pods":                   narrowRights(mesh, "pods"),
		"all but pods of most namespaces":      narrowRights(apps, "pods"),
		"all but other services":               narrowRights(apps, "services", "endpointslices"),
		"all but other workloads":              narrowRights(apps, "daemonsets", "deployments", "replicasets"),
		"all but other configuration of Istio": narrowRights(apps, "gateways", "httproutes", "authorizationpolicies", "serviceentries", "peerauthentications"),
		"all but other accounts and events":    narrowRights(apps, "serviceaccounts", "networkpolicies", "events"),
	} {
		t.Run(name, func(t *testing.T) {
			cluster := started(t, sim.Options{Generate: &sim.Generate{Nodes: 4, Workloads: 48, Seed: 1, Version: "1.30.3"}, Roles: roles})
			for _, opts := range []collect.Options{{}, {Namespaces: []string{"shop"}}} {
				file := collectedFrom(t, cluster, "part.tgz", opts)
				r := verdictOn(t, file)
				if len(r.Findings) > 0 || r.Verdict != "undecided" {
					t.Errorf("namespaces %v: verdict %s", opts.Namespaces, r.Verdict)
				}
				for _, f := range r.Findings {
					t.Errorf("namespaces %v: finding %s: %s", opts.Namespaces, f.ID, f.Message)
				}
			}
		})
	}
}
