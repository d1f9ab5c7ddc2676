package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/result"
)

func TestJSONKeepsWhatPeopleWroteAsItIs(t *testing.T) {
	var out strings.Builder
	r := &result.Result{Format: 1, Verdict: result.Clean, Findings: []*result.Finding{}, Bundle: result.Bundle{File: "a&b<c>.tgz"}}
	if err := JSON(&out, r, Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("    \"file\": \"a&b<c>.tgz\",", strings.Split(out.String(), "\n")[4]); diff != "" {
		t.Errorf("%s\n%s", diff, out.String())
	}
	for _, want := range []string{`"verdict": "clean"`, `"findings": []`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %s in\n%s", want, out.String())
		}
	}
}
