package rules_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/rules"
)

const whole = `id: some-rule
title: Some rule
severity: warning
category: enrolment
for: pods
needs: [pods, istiod.syncz!]
when: pod.running
message: Pod ${pod.name} of ${plural(2, "pod")} runs.
cause: c
impact: i
remedy: r
`

// lines are the problems of a file as users read them.
func lines(problems []rules.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.Error())
	}
	return out
}

func TestDefectsOfARuleFileAreNamedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing wrong": {whole, []string{}},
		"an unknown field": {whole + "sevrity: error\n", []string{
			`r.yaml:12:1: unknown field "sevrity"`,
		}},
		"a severity that does not exist": {strings.Replace(whole, "warning", "bad", 1), []string{
			`r.yaml:3:11: "bad" must be one of critical, error, warning, notice, hint`,
		}},
		"a field that is missing": {strings.Replace(whole, "when: pod.running\n", "", 1), []string{
			`r.yaml:1:1: field "when" is missing`,
		}},
		"a field that stands there twice": {whole + "cause: again\n", []string{
			`r.yaml:12:1: duplicate field "cause"`,
		}},
		"an interpolation without an end": {strings.Replace(whole, "cause: c", "cause: of ${pod.name", 1), []string{
			`r.yaml:9:8: a ${ in the text has no closing }`,
		}},
		"an id with a capital": {strings.Replace(whole, "some-rule", "SomeRule", 1), []string{
			`r.yaml:1:5: id "SomeRule" is not of the form words-with-dashes`,
		}},
		"a let that no expression could name": {whole + "let:\n  a-b: pod\n", []string{
			`r.yaml:13:3: "a-b" is not a name for a value: want letters and digits`,
		}},
		"a test without an expectation": {whole + "tests:\n  - name: t\n    change:\n      - {fil: x}\n", []string{
			`r.yaml:15:10: unknown field "fil" of a change`,
			`r.yaml:15:9: a change names a file`,
			`r.yaml:13:5: a test needs name and expect`,
		}},
		"several at once": {strings.NewReplacer("warning", "bad", "enrolment", "stuff", "impact: i\n", "").Replace(whole), []string{
			`r.yaml:3:11: "bad" must be one of critical, error, warning, notice, hint`,
			`r.yaml:4:11: "stuff" must be one of control-plane, resources, enrolment, certificates, workloads, multi-cluster, waypoints, policy, hbone, load-balancing, dns, versions, platform`,
			`r.yaml:1:1: field "impact" is missing`,
		}},
		"two rules in a file": {whole + "---\n" + whole, []string{
			"r.yaml:12:1: a rule file holds one rule, and another document begins here",
		}},
		"no mapping":  {"- a\n", []string{"r.yaml:1:1: a rule file holds one mapping, with id, title, severity and the rest"}},
		"nothing":     {"", []string{"r.yaml:1:1: a rule file holds one mapping, with id, title, severity and the rest"}},
		"broken YAML": {"id: x\n\ttitle: y\n", []string{"r.yaml:2:1: found a tab character that violates indentation"}},
		"a list for text": {strings.Replace(whole, "title: Some rule", "title: [a]", 1), []string{
			"r.yaml:2:8: want text here",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rule, problems := rules.Parse("r.yaml", []byte(test.text))
			if diff := cmp.Diff(test.want, lines(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if rule != nil && rule.Broken != (len(problems) > 0) {
				t.Errorf("broken %v with %d problems", rule.Broken, len(problems))
			}
		})
	}
}

func TestAFolderIsReadWholeInSpiteOfItsDefects(t *testing.T) {
	set, err := rules.Load(fstest.MapFS{
		"a.yaml":       {Data: []byte(whole)},
		"deep/b.yml":   {Data: []byte(strings.Replace(whole, "some-rule", "other-rule", 1) + "x: y\n")},
		"c.yaml":       {Data: []byte("{")},
		"README.md":    {Data: []byte("no rule")},
		"enormous.yml": {Data: make([]byte, 2<<20)},
	}, "mine")
	var ids []string
	for _, r := range set {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"some-rule", "other-rule"}, ids); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	want := []string{
		"mine/c.yaml:1:1: did not find expected node content",
		`mine/deep/b.yml:12:1: unknown field "x"`,
		"mine/enormous.yml:1:1: the file has 2097152 bytes, which exceeds the limit of 1048576 for a rule",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	var p rules.Problem
	if !errors.As(err, &p) || p.File != "mine/c.yaml" {
		t.Errorf("first problem %+v", p)
	}
}

func TestASetHasEachIDOnceAndExplainsWhatIsThere(t *testing.T) {
	parse := func(file, text string) *rules.Rule {
		r, problems := rules.Parse(file, []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return r
	}
	first := parse("a.yaml", whole)
	second := parse("b.yaml", "# a copy\n"+whole+"explains: [some-rule, some-*, none-*,\n  nothing]\n")
	problems, doubts := rules.Check([]*rules.Rule{first, second})
	if diff := cmp.Diff([]string{`b.yaml:2:5: id "some-rule" is taken by a.yaml:1`}, lines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	wantDoubts := []string{`b.yaml:13:31: no rule has the id "none-*"`, `b.yaml:14:3: no rule has the id "nothing"`}
	if diff := cmp.Diff(wantDoubts, lines(doubts)); diff != "" {
		t.Errorf("doubts (-want +got):\n%s", diff)
	}
	if first.Broken || !second.Broken {
		t.Errorf("broken: first %v, second %v", first.Broken, second.Broken)
	}
}

func TestAPlaceInAnExpressionIsAPlaceInTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		yaml         string // of when
		line, column int    // in the expression
		want         [2]int // in the file
	}{
		"plain":            {"when: pod.x == 1", 1, 4, [2]int{1, 11}},
		"quoted":           {`when: "!pod.x"`, 1, 1, [2]int{1, 9}},
		"escaped quotes":   {`when: "a == \"b\" && pod.x"`, 1, 12, [2]int{1, 22}},
		"single quotes":    {`when: 'a == ''b'' && pod.x'`, 1, 12, [2]int{1, 22}},
		"literal block":    {"when: |\n  a &&\n  pod.x", 2, 0, [2]int{3, 3}},
		"folded block":     {"when: >-\n  a &&\n    pod.x", 2, 2, [2]int{3, 5}},
		"folded into one":  {"when: >-\n  a &&\n  pod.x", 1, 5, [2]int{3, 3}},
		"plain over lines": {"when: a &&\n  pod.x", 1, 5, [2]int{2, 3}},
		"past characters":  {"when: a == 'ü' && x", 1, 11, [2]int{1, 18}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := rules.Parse("r.yaml", []byte(test.yaml+"\n"))
			line, column := r.When.At(test.line, test.column)
			if diff := cmp.Diff(test.want, [2]int{line, column}); diff != "" {
				t.Errorf("place in %q (-want +got):\n%s", r.When.Source, diff)
			}
		})
	}
}

func TestTextIsSplitAtItsExpressions(t *testing.T) {
	for text, want := range map[string][]string{
		"plain":                       {"plain"},
		"${a} and ${b}":               {"=a", " and ", "=b"},
		`x ${m["}"] + {"a": 1}["a"]}`: {"x ", `=m["}"] + {"a": 1}["a"]`},
		"costs $5":                    {"costs $5"},
	} {
		r, _ := rules.Parse("r.yaml", []byte("message: |-\n  "+text+"\n"))
		var got []string
		for _, p := range r.Message.Parts {
			if p.Expr != nil {
				got = append(got, "="+p.Expr.Source)
				continue
			}
			got = append(got, p.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if r.Message.String() != text {
			t.Errorf("written back as %q", r.Message.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(whole + "tests:\n  - {name: t, expect: undecided, change: [{file: f, set: {/a: 1}}]}\n"))
	f.Add([]byte("when: >-\n  a\n\n   b \n"))
	f.Add([]byte("a: &a [*a]\nb: ${"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rule, problems := rules.Parse("r.yaml", data)
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Errorf("a problem without a place or text: %+v", p)
			}
		}
		if rule == nil {
			if len(problems) == 0 {
				t.Error("neither a rule nor a problem")
			}
			return
		}
		if rule.When != nil {
			for column := range len(rule.When.Source) + 2 {
				if line, column := rule.When.At(1, column); line < 1 || column < 1 {
					t.Errorf("place %d:%d", line, column)
				}
			}
		}
	})
}
