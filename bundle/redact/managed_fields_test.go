package redact

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOfManagedFieldsOnlyNamesAreKept(t *testing.T) {
	for name, test := range map[string]struct{ group, resource, in, want string }{
		"who changed which field when": {
			group: "", resource: "services",
			in: `[{"manager":"kubectl-patch","operation":"Update","apiVersion":"v1","time":"2026-08-01T12:00:00Z","fieldsType":"FieldsV1",
				"fieldsV1":{"f:spec":{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:targetPort":{}}},"f:externalIPs":{"v:\"10.0.0.1\"":{}}}}}]`,
			want: `[{"manager":"kubectl-patch","operation":"Update","time":"2026-08-01T12:00:00Z","fieldsV1":{"f:spec":{"f:ports":{},"f:externalIPs":{}}}}]`,
		},
		"no manager of the status": {
			group: "gateway.networking.k8s.io", resource: "gateways",
			in:   `[{"manager":"istiod","operation":"Update","subresource":"status","time":"2026-08-01T12:00:00Z","fieldsV1":{"f:status":{}}}]`,
			want: `null`,
		},
		"no annotation by name": {
			group: "apps", resource: "deployments",
			in:   `[{"manager":"helm","operation":"Apply","fieldsV1":{"f:metadata":{"f:annotations":{"f:example.com/token-s3cret":{}},"f:labels":{"f:app":{}}}}}]`,
			want: `[{"manager":"helm","operation":"Apply","fieldsV1":{"f:metadata":{"f:annotations":{},"f:labels":{"f:app":{}}}}}]`,
		},
		"nothing of pods": {
			group: "", resource: "pods",
			in:   `[{"manager":"kubelet","operation":"Update","fieldsV1":{"f:spec":{}}}]`,
			want: `null`,
		},
		"nothing of another form": {
			group: "", resource: "services", in: `{"manager":"x"}`, want: `null`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := map[string]any{}
			if err := json.Unmarshal([]byte(`{"metadata":{"name":"a","managedFields":`+test.in+`},"spec":{}}`), &obj); err != nil {
				t.Fatal(err)
			}
			if _, ok := Object(test.group, test.resource, obj); !ok {
				t.Fatal("the object is not kept")
			}
			var want any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, obj["metadata"].(map[string]any)["managedFields"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}
