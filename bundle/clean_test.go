package bundle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

// An item that was seen before is not looked at again: neither may that hide
// a secret, nor keep an item of another section, or of another order, as it is.
func TestItemsThatEveryZtunnelServesAreLookedAtOnceAndStoredAlike(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl"
	workload := func(uid, services string) string {
		return fmt.Sprintf(`{"uid": %q, "services": [%s]}`, uid, services)
	}
	dump := func(services string, workloads ...string) []byte {
		return []byte("{\n  \"services\": [\n    " + services + "\n  ],\n  \"workloads\": [\n    " + strings.Join(workloads, ",\n    ") + "\n  ]\n}")
	}
	unsorted, sorted := workload("a", `"y", "x"`), workload("a", `"x", "y"`)
	leaky := workload("b", `"`+token+`"`)
	dumps := [][]byte{
		dump(unsorted, sorted, leaky), // as a service, it stays in its order
		dump(unsorted, unsorted, leaky),
		dump(unsorted, unsorted, leaky),
	}
	name := made(t, bundle.CreateOptions{}, dumps...)
	want := string(dump(unsorted, sorted, workload("b", `"[redacted token]"`)))
	for n := range dumps {
		got, _ := cat(t, name, dirOf(n)+"/config_dump.json")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dump %d: %s", n, diff)
		}
	}
	if got := manifest(t, name).Redactions["leaked token"]; got != len(dumps) {
		t.Errorf("%d tokens cut out, of %d", got, len(dumps))
	}
}
