package collect

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rights are the smallest roles that a complete collection needs, and their
// bindings. Objects are listed everywhere; pods are reached, and their logs
// read, in the namespaces of the mesh's own parts only.
type Rights struct {
	Cluster         *rbacv1.ClusterRole
	ClusterBinding  *rbacv1.ClusterRoleBinding
	Namespaced      []*rbacv1.Role
	NamespacedBinds []*rbacv1.RoleBinding
}

// RightsFor gives subject what the tables of tasks ask for. The namespaces
// are those of istiod, ztunnel, istio-cni and the gateways.
func RightsFor(name string, subject rbacv1.Subject, namespaces []string) Rights {
	group := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	r := Rights{
		Cluster: &rbacv1.ClusterRole{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: objectRules(),
		},
		ClusterBinding: &rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: group("ClusterRole"), Subjects: []rbacv1.Subject{subject},
		},
	}
	for _, ns := range namespaces {
		meta := metav1.ObjectMeta{Name: name, Namespace: ns}
		r.Namespaced = append(r.Namespaced, &rbacv1.Role{
			TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"}, ObjectMeta: meta, Rules: podRules(),
		})
		r.NamespacedBinds = append(r.NamespacedBinds, &rbacv1.RoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"}, ObjectMeta: meta,
			RoleRef: group("Role"), Subjects: []rbacv1.Subject{subject},
		})
	}
	return r
}

// Objects are all of them, in the order to create them in.
func (r Rights) Objects() []any {
	out := []any{r.Cluster, r.ClusterBinding}
	for i := range r.Namespaced {
		out = append(out, r.Namespaced[i], r.NamespacedBinds[i])
	}
	return out
}

// objectRules allow to list every resource of the table, one rule for each API group.
func objectRules() []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, res := range objectTasks {
		if res.again {
			continue // the right to look once is the right to look again
		}
		if res.form == asNamed {
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{res.group}, Resources: []string{res.name}, ResourceNames: res.names, Verbs: []string{"get"}})
			continue
		}
		at := slices.IndexFunc(rules, func(r rbacv1.PolicyRule) bool { return r.APIGroups[0] == res.group && r.ResourceNames == nil })
		if at < 0 {
			at = len(rules)
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{res.group}, Verbs: []string{"list"}})
		}
		rules[at].Resources = append(rules[at].Resources, res.name)
	}
	return rules
}

func podRules() []rbacv1.PolicyRule {
	core := []string{""}
	return []rbacv1.PolicyRule{
		{APIGroups: core, Resources: []string{"pods/portforward"}, Verbs: []string{"create"}},
		{APIGroups: core, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
	}
}
