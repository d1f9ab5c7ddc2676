package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
	"github.com/zbundle/zbundle/rules"
)

// causePart plants symptoms where their causes stand: on the same pod, on its
// node, or anywhere where the cause is of the whole mesh.
func causePart(t *testing.T, doc accuracyDoc) {
	passed := unmatched(t)
	all := slices.DeleteFunc(causes(t), func(p [2]string) bool { return passed(p[0] + " and " + p[1]) })
	places := map[string]sim.Subject{}
	var together [][2]string
	var trials []trial
	for _, p := range all {
		if opts, ok := beside(t, p[0], p[1], places); ok {
			together = append(together, p)
			trials = append(trials, trial{name: p[0] + " and " + p[1], opts: opts})
		}
	}
	tried(t, trials, false)
	under := 0
	symptoms, astray := map[string][]string{}, map[string][]string{}
	for i, p := range together {
		if missed, _ := trials[i].verdictOf(p[:]...); len(missed) > 0 || !trials[i].explained(p[0], p[1]) {
			t.Errorf("%s: missed %v, or the symptom is not under its cause: %v of %v", trials[i].name, missed, trials[i].result.ids(), trials[i].planted)
			astray[p[0]] = append(astray[p[0]], p[1])
			continue
		}
		under++
		symptoms[p[0]] = append(symptoms[p[0]], p[1])
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Of %d pairs of which the rule of the one explains the finding of the other, %d can be planted in one place: on a pod, a node, a network, the mesh.\n"+
		"In %d of these the cause stands first and its symptom under it.\n\n| cause | symptoms under it | symptoms elsewhere |\n| --- | --- | --- |\n", len(all), len(together), under)
	for _, cause := range faultNames() {
		if len(symptoms[cause])+len(astray[cause]) > 0 {
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", cause, list(symptoms[cause]), list(astray[cause]))
		}
	}
	doc["Causes and symptoms"] = text.String()
}

// causes are the pairs of faults of which the rule of the one explains the other's.
func causes(t *testing.T) [][2]string {
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string][]string{}
	for _, r := range set {
		explained[r.ID] = r.Explains
	}
	var out [][2]string
	for _, cause := range faultNames() {
		for _, symptom := range faultNames() {
			matches := func(pattern string) bool { return rules.Matches(pattern, foundAs(symptom)) }
			if foundAs(cause) != foundAs(symptom) && slices.ContainsFunc(explained[foundAs(cause)], matches) {
				out = append(out, [2]string{cause, symptom})
			}
		}
	}
	return out
}

// foundAs is the rule that finds a planted fault.
func foundAs(fault string) string {
	if want, special := found[fault]; special {
		return want.id
	}
	return fault
}

// beside is a mesh with a cause and a symptom in one place, if there is one.
// Where causes stand is looked up once.
func beside(t *testing.T, cause, symptom string, places map[string]sim.Subject) (sim.Options, bool) {
	at, known := places[cause]
	if !known {
		if planted := plantedIn(t, generated(roomy, []string{cause}, nil)); len(planted) > 0 {
			at = planted[0].Subject
		}
		places[cause] = at
	}
	for _, arg := range []string{at.Namespace + "/" + at.Name, at.Name, at.Node, ""} {
		opts := generated(roomy, []string{cause, symptom + "=" + arg}, nil)
		if planted := plantedIn(t, opts); len(planted) == 2 && sharePlace(planted[0].Subject, planted[1].Subject) {
			return opts, true
		}
	}
	return sim.Options{}, false
}

// plantedIn is what a mesh was planted with, nothing where the place asked for is none for that.
func plantedIn(t *testing.T, opts sim.Options) []sim.Planted {
	cluster, err := sim.Start(t.Context(), opts)
	if err != nil {
		return nil
	}
	defer cluster.Close()
	return cluster.Planted()
}

// sharePlace tells whether what a cause is planted on is the symptom's subject
// too, or holds it: the whole mesh, a version of it, the network, a node or one of
// its agents. An istiod's node has the ztunnel that it serves, in the simulated mesh.
func sharePlace(cause, symptom sim.Subject) bool {
	switch {
	case symptom.Kind == "daemonset": // istio-cni's, of which no other fault takes a pod
		return false
	case slices.Contains([]string{"mesh", "component", "network", "deployment"}, cause.Kind):
		return true
	case cause.Kind == "node" || cause.Kind == "pod" && cause.Namespace == "istio-system":
		return cause.Node != "" && (cause.Node == symptom.Node || symptom.Kind == "network")
	}
	return cause == symptom
}

// explained tells whether the cause stands at the top with its symptom under
// it, or a cause of both with both under it.
func (t *trial) explained(cause, symptom string) bool {
	return slices.ContainsFunc(t.result.Findings, func(top finding) bool {
		isCause := func(f finding) bool { return f.ID == foundAs(cause) }
		under := said{Findings: top.Explains}
		return (isCause(top) || slices.ContainsFunc(top.Explains, isCause)) && under.has(foundAs(symptom), t.planted[1].Subject, found[symptom].others)
	})
}
