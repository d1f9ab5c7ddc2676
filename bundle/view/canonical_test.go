package view

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/rawjson"
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
	if !v.IsValid(rawjson.Lenient()) {
		return
	}
	want := string(sortServicesParsed(v.Clone()))
	got, _ := canonical("workloads", v, false)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s (-parsed +got):\n%s", text, diff)
	}
}

// The scanner by hand is worth its lines only as long as it is this much faster.
func BenchmarkSortServices(b *testing.B) {
	v := jsontext.Value(`{"uid":"Kubernetes//Pod/shop/cart-7d9f-x2x","workloadIps":["10.1.2.3"],"protocol":"HBONE","name":"cart-7d9f-x2x","namespace":"shop",` +
		`"serviceAccount":"cart","services":["shop/cart.shop.svc.cluster.local","shop/all.shop.svc.cluster.local"],"capacity":1,"clusterId":"Kubernetes"}`)
	for name, sort := range map[string]func(jsontext.Value) []byte{"scanned": sortServices, "parsed": sortServicesParsed} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				sort(v)
			}
		})
	}
}
