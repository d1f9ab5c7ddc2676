package analyze_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/rules"
)

func TestChangesJustBeforeAFaultOnWhatItConcernsAreNamed(t *testing.T) {
	began := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	touch := func(resource, namespace, name string, before time.Duration) mesh.Touch {
		return mesh.Touch{Resource: resource, Namespace: namespace, Name: name, Manager: "kubectl-patch", Operation: "Update", Time: began.Add(-before)}
	}
	rule, problems := rules.Parse("r.yaml", []byte(refusedRule))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	engine, err := analyze.Compile([]*rules.Rule{rule})
	if err != nil {
		t.Fatal(err)
	}
	m := &mesh.Mesh{
		Captured: began.Add(time.Minute), RootNamespace: "istio-system",
		Flows: []*mesh.Flow{{
			Source: &mesh.Peer{Name: "a", Namespace: "shop"}, Destination: &mesh.Peer{Name: "db-0", Namespace: "shop"},
			Service: "db.shop.svc.cluster.local", Class: "refused", State: mesh.Ongoing, First: began, Last: began, Count: 1,
		}},
		Touches: []mesh.Touch{
			touch("services", "shop", "db", 9*time.Second),
			touch("services", "shop", "other", time.Second),
			touch("authorizationpolicies", "shop", "deny", 2*time.Second),
			touch("authorizationpolicies", "istio-system", "all", 3*time.Second),
			touch("authorizationpolicies", "elsewhere", "deny", time.Second),
			touch("services", "shop", "db", time.Hour),
			touch("services", "shop", "db", -time.Minute),
		},
	}
	out, err := engine.Run(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range out.Findings[0].Changes {
		got = append(got, c.Resource+" "+c.Namespace+"/"+c.Name+" "+c.Time)
	}
	want := []string{
		"services shop/db 2026-08-01T11:59:51Z",
		"authorizationpolicies shop/deny 2026-08-01T11:59:58Z",
		"authorizationpolicies istio-system/all 2026-08-01T11:59:57Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
