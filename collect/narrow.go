package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// What is done where objects can't be listed in all namespaces at once, but in
// single ones: those that were asked for, and those that the mesh runs in.

// presumed are the namespaces that the parts of a mesh are looked for in,
// where pods can't be listed everywhere: those of Istio's own installation,
// and that of istio-cni on most platforms.
var presumed = []string{istio.SystemNamespace, cniNamespace}

// single are the namespaces that are tried one by one.
func (r *run) single() []string {
	out := slices.Concat(presumed, r.opts.Namespaces, r.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway))
	if ns := r.opts.forNamespace(); ns != "" {
		out = append(out, ns)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// narrow asks, for the lists that are denied everywhere, about single namespaces.
func (r *run) narrow(ctx context.Context, tasks []task) {
	var rights []right
	for _, task := range tasks {
		if everywhere := listRight(task, ""); task.namespaced && r.known[everywhere] && r.denied[everywhere] {
			for _, ns := range r.single() {
				rights = append(rights, listRight(task, ns))
			}
		}
	}
	r.allow(ctx, rights)
}

// listable are the namespaces that a list is asked of, as listedIn has them,
// but those that no right is there for; for all at once stand the single ones
// that may be listed. The caller holds r.mu.
func (r *run) listable(task task) []string {
	var out []string
	for _, ns := range r.listedIn(task) {
		switch {
		case !r.denied[listRight(task, ns)]:
			out = append(out, ns)
		case ns == "" && task.namespaced:
			out = append(out, slices.DeleteFunc(r.single(), func(ns string) bool {
				x := listRight(task, ns)
				return !r.known[x] || r.denied[x]
			})...)
		}
	}
	return out
}

// podsListed are the namespaces that pods are listed in, or all of them.
func (r *run) podsListed() (namespaces []string, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pods := objectTasks[slices.IndexFunc(objectTasks, func(t task) bool { return t.id == podsTask })]
	return r.listable(pods), !r.denied[listRight(pods, "")]
}

// lacking says which rights to list a kind of object are not there, and what
// was listed instead; "" where none is missing. The caller holds r.mu.
func (r *run) lacking(task task) string {
	var denied []string
	for _, x := range r.needs(task, target{kind: kindCluster}) {
		if r.denied[x] {
			denied = append(denied, x.String())
		}
	}
	if len(denied) == 0 {
		return ""
	}
	said := "forbidden: grant " + strings.Join(denied, ", ")
	if r.denied[listRight(task, "")] && task.form != asNamed {
		said = fmt.Sprintf("only namespaces %s were listed: %s", strings.Join(r.listable(task), ", "), said)
	}
	return said
}

func listRight(task task, namespace string) right {
	return right{namespace: namespace, group: task.group, resource: task.name, verb: "list"}
}
