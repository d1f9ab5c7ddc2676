package analyze_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/rules"
)

const refusedRule = `id: refused
title: Refused
severity: critical
category: hbone
for: flows
needs: []
when: flow.class == "refused"
message: m
cause: own cause
impact: i
remedy: own remedy
`

// told is what a user sees of a finding.
type told struct {
	ID, Severity, State, Cause, But string
	Others                          []string
}

func tellings(fs []*result.Finding) []told {
	var out []told
	for _, f := range fs {
		t := told{f.ID, string(f.Severity), string(f.State), f.Cause, f.But, nil}
		for _, o := range f.OtherCauses {
			t.Others = append(t.Others, o.Cause)
		}
		out = append(out, t)
	}
	return out
}

func TestTheEvidenceDecidesWhatIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		rules    []string // beside refusedRule's own fields
		state    mesh.State
		text     string
		findings []told
		past     []told
		young    int
	}{
		"goes on":                        {state: mesh.Ongoing, findings: []told{{"refused", "critical", "ongoing", "own cause", "", nil}}},
		"nobody can tell":                {state: mesh.Unknown, findings: []told{{"refused", "warning", "unknown", "own cause", "", nil}}},
		"is over":                        {state: mesh.Over, past: []told{{"refused", "hint", "over", "own cause", "", nil}}},
		"its cause stands":               {rules: []string{"stands: 'true'"}, state: mesh.Unknown, findings: []told{{"refused", "critical", "ongoing", "own cause", "", nil}}},
		"its cause is gone":              {rules: []string{"over: 'true'"}, state: mesh.Ongoing, past: []told{{"refused", "hint", "over", "own cause", "", nil}}},
		"the evidence contradicts":       {rules: []string{"against: [{if: 'true', says: it works}]"}, state: mesh.Ongoing},
		"the evidence does not support":  {rules: []string{"against: [{if: 'true', says: it works, leaves: hint}]"}, state: mesh.Ongoing, findings: []told{{"refused", "hint", "ongoing", "own cause", "it works", nil}}},
		"the text decides for a cause":   {rules: []string{"causes: [{if: 'flow.error contains \"x\"', cause: of x, remedy: r, severity: error}, {cause: maybe, remedy: r}]"}, state: mesh.Ongoing, text: "x", findings: []told{{"refused", "error", "ongoing", "of x", "", nil}}},
		"nothing decides":                {rules: []string{"causes: [{if: 'flow.error contains \"x\"', cause: of x, remedy: r}, {cause: maybe, remedy: r}, {cause: perhaps, remedy: r}]"}, state: mesh.Ongoing, findings: []told{{"refused", "critical", "ongoing", "maybe", "", []string{"perhaps"}}}},
		"it is too young":                {rules: []string{"young: 'true'"}, state: mesh.Ongoing, young: 1},
		"only what no other rule claims": {rules: []string{"unclaimed: true"}, state: mesh.Ongoing, findings: []told{{"refused", "critical", "ongoing", "own cause", "", nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			text := refusedRule
			for _, line := range test.rules {
				text += line + "\n"
			}
			rule, problems := rules.Parse("r.yaml", []byte(text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			engine, err := analyze.Compile([]*rules.Rule{rule})
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
			m := &mesh.Mesh{Captured: at, Flows: []*mesh.Flow{{
				Source: &mesh.Peer{Name: "a"}, Destination: &mesh.Peer{Name: "b"}, Class: "refused", Error: test.text, State: test.state, First: at, Last: at, Count: 1,
			}}}
			out, err := engine.Run(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			young := 0
			for _, y := range out.TooYoung {
				young += len(y.Subjects)
			}
			got := fmt.Sprint(tellings(out.Findings), tellings(out.Past), young)
			if diff := cmp.Diff(fmt.Sprint(test.findings, test.past, test.young), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatARuleClaimsNoOtherTellsAsUnexplained(t *testing.T) {
	rest := `id: unexplained
title: Unexplained
severity: warning
category: hbone
for: flows
needs: []
unclaimed: true
when: flow.class != ""
message: m
cause: c
impact: i
remedy: r
`
	var set []*rules.Rule
	for _, text := range []string{rest, refusedRule} {
		rule, problems := rules.Parse("r.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		set = append(set, rule)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	flow := func(class, destination string) *mesh.Flow {
		return &mesh.Flow{Source: &mesh.Peer{Name: "a"}, Destination: &mesh.Peer{Name: destination}, Class: class, State: mesh.Ongoing, Count: 1}
	}
	out, err := engine.Run(context.Background(), &mesh.Mesh{Flows: []*mesh.Flow{flow("refused", "b"), flow("odd", "c")}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range out.Findings {
		got = append(got, f.ID+" "+f.Subjects[0].Name)
	}
	if diff := cmp.Diff([]string{"refused b", "unexplained c"}, got); diff != "" {
		t.Error(diff)
	}
}
