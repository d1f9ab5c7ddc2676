package collect

import (
	"cmp"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// right is one thing that RBAC grants.
type right struct {
	namespace string // "" for the whole cluster
	group     string // "" for core
	resource  string // with its subresource: pods/log
	verb      string
	name      string // of the one object that it is for, "" for any
}

func (x right) String() string {
	what := x.resource
	if x.group != "" {
		what += "." + x.group
	}
	if x.name != "" {
		what += " " + x.name
	}
	if x.namespace == "" {
		return x.verb + " " + what
	}
	return fmt.Sprintf("%s %s in namespace %s", x.verb, what, x.namespace)
}

func compareRights(a, b right) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.group, b.group),
		cmp.Compare(a.resource, b.resource), cmp.Compare(a.verb, b.verb), cmp.Compare(a.name, b.name))
}

// needs are the rights that it takes to ask a target for a task.
func (s *scope) needs(task task, t target) []right {
	x := right{group: task.group, resource: task.name, verb: "list"}
	switch task.form {
	case asList, asUse, asNames:
		var out []right
		for _, ns := range s.listedIn(task) {
			x.namespace = ns
			out = append(out, x)
		}
		return out
	case asNamed:
		var out []right
		for _, o := range s.named(task) {
			x.verb, x.namespace, x.name = "get", o.namespace, o.name
			out = append(out, x)
		}
		return out
	case podLog, podLogOld:
		return []right{logRight(t.namespace)}
	}
	return []right{forwardRight(t.namespace)}
}

func logRight(namespace string) right {
	return right{namespace: namespace, resource: "pods/log", verb: "get"}
}

func forwardRight(namespace string) right {
	return right{namespace: namespace, resource: "pods/portforward", verb: "create"}
}

// proxyRight is no part of a plan: where it is there already, it stands in
// for the one above at ports that listen on the pod's address.
func proxyRight(namespace string) right {
	return right{namespace: namespace, resource: "pods/proxy", verb: "get"}
}

// Rights are the smallest roles that a complete collection needs, and their
// bindings. Objects are listed everywhere, unless the scope says where; pods
// are reached, and their logs read, in the namespaces of the mesh's own parts only.
type Rights struct {
	Cluster         *rbacv1.ClusterRole
	ClusterBinding  *rbacv1.ClusterRoleBinding
	Namespaced      []*rbacv1.Role
	NamespacedBinds []*rbacv1.RoleBinding
}

// rolesOf binds rights to a subject, by roles of that name.
func rolesOf(rights []right, name string, subject rbacv1.Subject) Rights {
	version := rbacv1.SchemeGroupVersion.String()
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	rights = slices.SortedFunc(slices.Values(rights), compareRights)
	r := Rights{
		Cluster: &rbacv1.ClusterRole{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "ClusterRole"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rulesOf(rights, ""),
		},
		ClusterBinding: &rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: version, Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref("ClusterRole"), Subjects: []rbacv1.Subject{subject},
		},
	}
	for i, x := range rights {
		if x.namespace == "" || i > 0 && rights[i-1].namespace == x.namespace {
			continue
		}
		meta := metav1.ObjectMeta{Name: name, Namespace: x.namespace}
		r.Namespaced = append(r.Namespaced, &rbacv1.Role{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "Role"}, ObjectMeta: meta, Rules: rulesOf(rights, x.namespace),
		})
		r.NamespacedBinds = append(r.NamespacedBinds, &rbacv1.RoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "RoleBinding"}, ObjectMeta: meta,
			RoleRef: ref("Role"), Subjects: []rbacv1.Subject{subject},
		})
	}
	return r
}

// rulesOf are the rules of one namespace: one for each API group and verb,
// and one for each resource of which single objects are named.
func rulesOf(rights []right, namespace string) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, x := range rights {
		if x.namespace != namespace {
			continue
		}
		at := slices.IndexFunc(rules, func(r rbacv1.PolicyRule) bool {
			return r.APIGroups[0] == x.group && r.Verbs[0] == x.verb && (r.ResourceNames != nil) == (x.name != "") &&
				(x.name == "" || r.Resources[0] == x.resource)
		})
		if at < 0 {
			at = len(rules)
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{x.group}, Verbs: []string{x.verb}})
		}
		if !slices.Contains(rules[at].Resources, x.resource) {
			rules[at].Resources = append(rules[at].Resources, x.resource)
		}
		if x.name != "" {
			rules[at].ResourceNames = append(rules[at].ResourceNames, x.name)
		}
	}
	return rules
}

// Objects are all of them, in the order to create them in.
func (r Rights) Objects() []any {
	out := []any{r.Cluster, r.ClusterBinding}
	for i := range r.Namespaced {
		out = append(out, r.Namespaced[i], r.NamespacedBinds[i])
	}
	return out
}
