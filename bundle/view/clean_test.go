package view

import (
	"strings"
	"testing"
)

const aToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl"

func TestOnlyItemsWithoutASecretAreKnownAgain(t *testing.T) {
	for name, test := range map[string]struct {
		item  string
		clean bool
	}{
		"a workload":                          {`{"uid":"a"}`, true},
		"a token":                             {`{"uid":"` + aToken + `"}`, false},
		"a token past the window of one scan": {`{"uid":"` + strings.Repeat("x ", 128<<10) + aToken + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			var items CleanItems
			item := cleanItem{"workloads", hashOf([]byte(test.item))}
			if items.has(item) {
				t.Error("known before it was looked at")
			}
			if got := items.scan(item, []byte(test.item)); got != test.clean {
				t.Errorf("clean %t, want %t", got, test.clean)
			}
			if got := items.has(item); got != test.clean {
				t.Errorf("known again %t, want %t", got, test.clean)
			}
			if items.has(cleanItem{"services", item.hash}) {
				t.Error("known in another section")
			}
		})
	}
}
