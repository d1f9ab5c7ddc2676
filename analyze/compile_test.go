package analyze_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

// file is a rule file with some of its lines replaced or added.
func file(id string, fields ...string) string {
	lines := []string{
		"id: " + id, "title: Title of " + id, "severity: warning", "category: enrolment", "for: pods", "needs: [pods]", "when: pod.running",
		"message: Pod ${pod.name}.", "cause: c", "impact: i", "remedy: r",
	}
	for _, f := range fields {
		key, _, _ := strings.Cut(f, ":")
		at := -1
		for i, l := range lines {
			if strings.HasPrefix(l, key+":") {
				at = i
			}
		}
		if at < 0 {
			lines = append(lines, f)
			continue
		}
		lines[at] = f
	}
	return strings.Join(lines, "\n") + "\n"
}

func parse(t *testing.T, files ...string) []*rules.Rule {
	t.Helper()
	var set []*rules.Rule
	for _, f := range files {
		id, _, _ := strings.Cut(strings.TrimPrefix(f, "id: "), "\n")
		r, _ := rules.Parse(id+".yaml", []byte(f))
		if r == nil {
			t.Fatalf("no rule in %s", f)
		}
		set = append(set, r)
	}
	return set
}

func TestExpressionsAreTypedAgainstTheModel(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		want  []string
	}{
		"a field that the model lacks": {[]string{file("a", "when: pod.runing")}, []string{
			"a.yaml:7:11: type Pod has no field runing",
		}},
		"a type error inside a block scalar": {[]string{file("a", "when: >-\n  pod.running &&\n  pod.ageSeconds > \"60\"")}, []string{
			`a.yaml:9:18: invalid operation: > (mismatched types float64 and string)`,
		}},
		"a syntax error": {[]string{file("a", "when: pod.running &&")}, []string{
			"a.yaml:7:20: unexpected token EOF",
		}},
		"neither true nor false": {[]string{file("a", "where: pod.name")}, []string{
			"a.yaml:12:8: expected bool, but got string",
		}},
		"an error in a text": {[]string{file("a", "message: Pod ${pod.name} of ${pod.nam}")}, []string{
			"a.yaml:8:35: type Pod has no field nam",
		}},
		"what can't be printed": {[]string{file("a", "message: Pod ${pod}")}, []string{
			"a.yaml:8:16: a Pod can't be printed; name one of its fields",
		}},
		"a collection that does not exist": {[]string{file("a", "for: pod")}, []string{
			`a.yaml:5:6: "pod" is no collection; there are mesh, peers, namespaces, nodes, pods, daemonSets, services, workloads, policies, ztunnels, istiods, cnis, waypoints, serviceEntries, peerAuthentications, networkPolicies, components, networks, certificates, localIdentities, roots, flows, series, logs, events, xds, addressClashes, workloadStates, virtualServices, destinationRules, routes, requestAuthentications, wasmPlugins, telemetries, envoys`,
		}},
		"an input that does not exist": {[]string{file("a", "needs: [pods, dumps]")}, []string{
			`a.yaml:6:15: "dumps" is no input; there are ` + strings.Join(mesh.Inputs(), ", "),
		}},
		"a let that hides the item": {[]string{file("a", "let: {pod: mesh}")}, []string{
			`a.yaml:12:7: "pod" already names something else here`,
		}},
		"a let is known by its type": {[]string{file("a", "let: {up: \"filter(mesh.pods, .running)\"}", "when: any(up, .nme == '')")}, []string{
			"a.yaml:7:16: type Pod has no field nme",
		}},
		"a wrong let is one error": {[]string{file("a", "let: {n: pod.nme}", "when: n > 1")}, []string{
			"a.yaml:12:14: type Pod has no field nme",
		}},
		"a method of the model": {[]string{file("a", "when: pod.ztunnel.SetGap('x', 'y') == nil")}, []string{
			"a.yaml:7:19: func SetGap doesn't return value",
		}},
		"a field outside the vocabulary": {[]string{file("a", "when: pod.Source.File == ''")}, []string{
			"a.yaml:7:11: Source is no field that rules can read",
		}},
		"evidence that is no thing": {[]string{file("a", "evidence: [pod, pod.name]")}, []string{
			"a.yaml:12:17: a string is no item of the model",
		}},
		"a function called wrongly": {[]string{file("a", "message: ${plural(pod.name, 'pod')}")}, []string{
			"a.yaml:8:23: cannot use string as argument (type int) to call plural ",
		}},
		"several, over files": {[]string{file("b", "when: pod.x", "cause: ${pod.y}"), file("a", "needs: [z]"), file("c")}, []string{
			`a.yaml:6:9: "z" is no input; there are ` + strings.Join(mesh.Inputs(), ", "),
			"b.yaml:7:11: type Pod has no field x",
			"b.yaml:9:14: type Pod has no field y",
		}},
		"a rule with other defects is typed too": {[]string{file("a", "severity: bad", "when: pod.x")}, []string{
			"a.yaml:7:11: type Pod has no field x",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := analyze.Compile(parse(t, test.files...))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			for _, r := range engine.Rules() {
				if r.ID != "c" {
					t.Errorf("rule %s would run in spite of its errors", r.ID)
				}
			}
		})
	}
}

func TestBuiltinRulesAreTyped(t *testing.T) {
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Error(err)
	}
	if len(engine.Rules()) != len(set) {
		t.Errorf("%d of %d rules run", len(engine.Rules()), len(set))
	}
}
