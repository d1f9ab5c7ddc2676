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
func (s *scope) single() []string {
	out := slices.Concat(presumed, s.opts.Namespaces, s.survey.namespacesOf(kindIstiod, kindZtunnel, kindCNI, kindGateway))
	if ns := s.opts.forNamespace(); ns != "" {
		out = append(out, ns)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// narrow asks, for the lists that are denied everywhere, about single namespaces.
func (r *run) narrow(ctx context.Context, tasks []task) {
	var rights []right
	for _, task := range tasks {
		if everywhere := listRight(task, ""); task.namespaced && r.rights.asked(everywhere) && r.rights.denies(everywhere) {
			for _, ns := range r.scope.single() {
				rights = append(rights, listRight(task, ns))
			}
		}
	}
	r.rights.ask(ctx, rights)
}

// listable are the namespaces that a list is asked of, as listedIn has them,
// but those that no right is there for; for all at once stand the single ones
// that may be listed.
func (s *scope) listable(task task) []string {
	var out []string
	for _, ns := range s.listedIn(task) {
		switch {
		case !s.rights.denies(listRight(task, ns)):
			out = append(out, ns)
		case ns == "" && task.namespaced:
			out = append(out, slices.DeleteFunc(s.single(), func(ns string) bool {
				x := listRight(task, ns)
				return !s.rights.asked(x) || s.rights.denies(x)
			})...)
		}
	}
	return out
}

// podsListed are the namespaces that pods are listed in, or all of them.
func (s *scope) podsListed() (namespaces []string, all bool) {
	pods := objectTasks[slices.IndexFunc(objectTasks, func(t task) bool { return t.id == podsTask })]
	return s.listable(pods), !s.rights.denies(listRight(pods, ""))
}

// lacking says which rights to list a kind of object are not there, and what
// was listed instead; "" where none is missing.
func (s *scope) lacking(task task) string {
	var denied []string
	for _, x := range s.needs(task, target{kind: kindCluster}) {
		if s.rights.denies(x) {
			denied = append(denied, x.String())
		}
	}
	if len(denied) == 0 {
		return ""
	}
	said := "forbidden: grant " + strings.Join(denied, ", ")
	if s.rights.denies(listRight(task, "")) && task.form != asNamed {
		said = fmt.Sprintf("only namespaces %s were listed: %s", strings.Join(s.listable(task), ", "), said)
	}
	return said
}

func listRight(task task, namespace string) right {
	return right{namespace: namespace, group: task.group, resource: task.name, verb: "list"}
}
