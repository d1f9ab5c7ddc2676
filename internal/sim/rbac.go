package sim

import (
	"errors"
	"fmt"
	"io"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// Role is what RBAC grants the cluster's user in a namespace, or everywhere.
type Role struct {
	Namespace string // "" for a ClusterRole that is bound in the whole cluster
	Rules     []rbacv1.PolicyRule
}

// ReadRoles reads the Roles and ClusterRoles out of a stream of YAML
// documents; bindings are taken to bind all of them to the user.
func ReadRoles(r io.Reader) ([]Role, error) {
	in := yaml.NewYAMLOrJSONDecoder(r, 4096)
	roles := []Role{}
	for {
		var doc struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Namespace string `json:"namespace"`
			} `json:"metadata"`
			Rules []rbacv1.PolicyRule `json:"rules"`
		}
		err := in.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return roles, nil
		case err != nil:
			return nil, fmt.Errorf("reading the user's roles: %w", err)
		case doc.Kind == "Role", doc.Kind == "ClusterRole":
			roles = append(roles, Role{Namespace: doc.Metadata.Namespace, Rules: doc.Rules})
		}
	}
}

// grants tells whether the role allows a, as k8s.io/kubernetes/pkg/registry/rbac/validation does.
func (r Role) grants(a kubeapi.Attributes) bool {
	if r.Namespace != "" && r.Namespace != a.Namespace {
		return false
	}
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(r.Rules, func(rule rbacv1.PolicyRule) bool {
		return has(rule.Verbs, a.Verb) && has(rule.APIGroups, a.Group) && has(rule.Resources, a.Path()) &&
			(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, a.Name))
	})
}

// granted tells whether any of the roles allows a. Every user may ask what it
// may do (system:basic-user).
func granted(roles []Role, a kubeapi.Attributes) bool {
	return a.Group == "authorization.k8s.io" && a.Verb == "create" ||
		slices.ContainsFunc(roles, func(r Role) bool { return r.grants(a) })
}
