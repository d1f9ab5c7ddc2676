package bundle

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// workloadsAsServed are workloads that a ztunnel could print, and some that none does.
var workloadsAsServed = []string{
	`{"name":"a","services":["b/y","a/x"],"uid":"u"}`,
	"{\n      \"name\": \"a\",\n      \"services\": [\n        \"b/y\",\n        \"a/x\"\n      ],\n      \"uid\": \"u\"\n    }",
	`{"services":["one/only"]}`,
	`{"services":[]}`,
	`{"services" : ["c","b","a"] }`,
	`{"services":{"b":1,"a":2}}`,
	`{"services":null,"x":["services","a"]}`,
	`{"x":{"services":["b","a"]},"services":["d","c"]}`,
	`{"x":{"services":["b","a"]}}`,
	`{"x":[{"y":"a,b"},"services"],"services":["d","c"]}`,
	`{"x":"\"services\":[\\","services":["d\",","c\\"]}`,
	`{"services":["b","a"],"services":["d","c"]}`,
	`{"\u0073ervices":["b","a"],"services":["d","c"]}`,
	`["services","b","a"]`,
	`"services"`,
	`{}`,
}

func TestServicesAreSortedAsByTheParser(t *testing.T) {
	for _, text := range workloadsAsServed {
		sameAsParsed(t, text)
	}
}

func FuzzServicesAreSortedAsByTheParser(f *testing.F) {
	for _, text := range workloadsAsServed {
		f.Add(text)
	}
	f.Fuzz(sameAsParsed)
}

func sameAsParsed(t *testing.T, text string) {
	v := jsontext.Value(text)
	if !v.IsValid(decodeOptions()...) {
		return
	}
	want := string(editMembers(v.Clone(), map[string]func(jsontext.Value) []byte{"services": sortStrings}))
	got, _ := canonical("workloads", v, false)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s (-parsed +got):\n%s", text, diff)
	}
}
