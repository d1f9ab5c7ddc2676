package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/result"
)

func finding(id string, severity result.Severity, state result.State) *result.Finding {
	return &result.Finding{
		ID: id, Severity: severity, Confidence: "certain", Title: "Something", Message: "It fails.", Cause: "A cause.", Impact: "An impact.", Remedy: "A remedy.",
		State: state, First: "2026-08-01T12:00:00Z", Last: "2026-08-01T12:05:00Z", Count: 5,
		Subjects: []result.Subject{{Kind: "pod", Namespace: "shop", Name: "a"}},
		Evidence: []result.Evidence{{File: "nodes/n/log", Line: 7, Text: "line\x1b[31m"}},
	}
}

func TestTextSaysWhatGoesOnAndApartWhatIsOver(t *testing.T) {
	r := &result.Result{Verdict: result.HasFindings, Bundle: result.Bundle{File: "b.tgz", Captured: "2026-08-01T12:06:00Z"}}
	r.Findings = []*result.Finding{finding("a-rule", result.Error, result.Ongoing)}
	r.Past = []*result.Finding{finding("old-rule", result.Hint, result.Over)}
	r.TooYoung = []result.TooYoung{{ID: "x", Subjects: []result.Subject{{Kind: "pod", Namespace: "shop", Name: "b"}}}}
	for name, test := range map[string]struct {
		opts Options
		want []string
		not  string
	}{
		"short": {Options{Width: 80}, []string{
			"found: 1 error", "ERROR a-rule  Something", "since     2026-08-01T12:00:00Z", "nodes/n/log:7",
			"- old-rule: It fails. From 2026-08-01T12:00:00Z to 2026-08-01T12:05:00Z.", "Too young to judge: pod shop/b",
		}, "HINT old-rule"},
		"with what is over in full": {Options{Width: 80, Past: true}, []string{"Over:", "HINT old-rule  Something"}, "\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := Text(&out, r, test.opts); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("lacks %q in\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), test.not) {
				t.Errorf("has %q in\n%s", test.not, out.String())
			}
		})
	}
}

func TestTextBreaksLinesAtTheWidth(t *testing.T) {
	f := finding("a-rule", result.Error, result.Ongoing)
	f.Message = strings.Repeat("word ", 40)
	var out strings.Builder
	if err := Finding(&out, f, Options{Width: 60}); err != nil {
		t.Fatal(err)
	}
	var long []string
	for _, line := range strings.Split(out.String(), "\n") {
		if len(line) > 60 {
			long = append(long, line)
		}
	}
	if diff := cmp.Diff([]string(nil), long); diff != "" {
		t.Error(diff)
	}
}
