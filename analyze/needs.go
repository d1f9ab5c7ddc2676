package analyze

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// sources are the inputs that each collection of the model is made of. Without
// any of them the collection is empty, which proves nothing.
func sources() map[string][]string {
	ztunnel := []string{mesh.InputZtunnelDump, mesh.InputZtunnelLog, mesh.InputAccessLog, mesh.InputZtunnelMetric, mesh.InputZtunnelReady}
	istiod := []string{mesh.InputSyncz, mesh.InputAmbientz, mesh.InputIstiodLog, mesh.InputIstiodMetrics, mesh.InputMeshConfig, mesh.InputClusterz, mesh.InputNetworkz}
	cni := []string{mesh.InputCNILog, mesh.InputCNIMetrics}
	pods := []string{mesh.InputPods}
	return map[string][]string{
		"namespaces": {mesh.InputNamespaces}, "nodes": {mesh.InputNodes, mesh.InputPods}, "pods": pods,
		"workloads": {mesh.InputZtunnelDump, mesh.InputPods, mesh.InputAmbientz, mesh.InputAccessLog},
		"services":  {mesh.InputServices, mesh.InputZtunnelDump},
		"policies":  {mesh.InputAuthorization, mesh.InputZtunnelDump},
		"ztunnels":  slices.Concat(ztunnel, pods), "istiods": slices.Concat(istiod, pods), "cnis": slices.Concat(cni, pods),
		"flows":        {mesh.InputAccessLog, mesh.InputZtunnelDump, mesh.InputZtunnelMetric},
		"logs":         {mesh.InputZtunnelLog, mesh.InputIstiodLog, mesh.InputCNILog},
		"events":       {mesh.InputEvents},
		"certificates": {mesh.InputZtunnelDump}, "roots": {mesh.InputZtunnelDump, mesh.InputConfigMaps},
		"localIdentities": {mesh.InputZtunnelDump, mesh.InputPods}, "workloadStates": {mesh.InputZtunnelDump},
		"waypoints": {mesh.InputGateways}, "daemonSets": {mesh.InputDaemonSets, mesh.InputPods},
		"series": {mesh.InputZtunnelMetric}, "networkPolicies": {mesh.InputNetworkPolicy},
	}
}

// reads finds the collections of the mesh that an expression names.
type reads struct{ collections []string }

func (r *reads) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok || member.Node.Type() != reflect.TypeFor[*mesh.Mesh]() {
		return
	}
	if property, ok := member.Property.(*ast.StringNode); ok && !slices.Contains(r.collections, property.Value) {
		r.collections = append(r.collections, property.Value)
	}
}

// undeclared are the collections that a rule reads without a need for any of
// their sources: on a bundle that lacks them it would pass over nothing.
func (r *rule) undeclared() []string {
	read := &reads{collections: []string{r.For}}
	programs := append([]*program{r.where, r.when, r.gone, r.stands}, r.let...)
	for _, c := range r.causes {
		programs = append(programs, c.when)
	}
	for _, p := range programs {
		if p == nil {
			continue
		}
		node := p.code.Node()
		ast.Walk(&node, read)
	}
	var out []string
	for _, name := range read.collections {
		from := sources()[name]
		declared := func(n rules.Need) bool { return slices.Contains(from, n.Name) }
		read := func(name string) bool { return slices.Contains(from, name) }
		if len(from) > 0 && !slices.ContainsFunc(r.Needs, declared) && !slices.ContainsFunc(r.Reads, read) {
			out = append(out, name)
		}
	}
	return out
}

// deriveNeeds adds the needs that the rule's expressions show and its file does
// not declare, so that it is undecided where it could not look.
func (r *rule) deriveNeeds() {
	for _, name := range r.undeclared() {
		r.derived = append(r.derived, rules.Need{Name: sources()[name][0]})
	}
}

// LintNeeds names what rules read and do not declare.
func (e *Engine) LintNeeds() []rules.Problem {
	var problems []rules.Problem
	for _, r := range e.rules {
		for _, name := range r.undeclared() {
			problems = append(problems, r.Problem("needs", "it reads %s, and neither needs nor reads names any of what these come from: %s", name, strings.Join(sources()[name], ", ")))
		}
	}
	return problems
}

// required are the needs without which an item is not judged, those derived among them.
func (r *rule) required() []rules.Need { return slices.Concat(r.Needs, r.derived) }
