package sim

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// addCustomResourceDefinitions adds one definition for each custom resource of the
// catalogue, and takes those out of it that a cluster has for their objects only.
func (s *store) addCustomResourceDefinitions(created time.Time) error {
	s.catalogue = slices.DeleteFunc(s.catalogue, func(r apiResource) bool {
		return r.optional && len(s.byResource[r.GroupVersionResource].objects) == 0
	})
	for _, r := range s.catalogue {
		if !r.custom {
			continue
		}
		scope := choose(r.clusterWide, "Cluster", "Namespaced")
		if err := s.add("customresourcedefinitions", &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{
				"name":              r.Resource + "." + r.Group,
				"creationTimestamp": created.UTC().Format(time.RFC3339),
				"annotations":       crdAnnotations(r.Group),
			},
			"spec": map[string]any{
				"group": r.Group,
				"names": map[string]any{"kind": r.kind, "listKind": r.kind + "List", "plural": r.Resource, "singular": r.singular},
				"scope": scope,
				"versions": []any{map[string]any{
					"name": r.Version, "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{
						"type": "object", "x-kubernetes-preserve-unknown-fields": true,
					}},
				}},
			},
			"status": map[string]any{
				"acceptedNames":  map[string]any{"kind": r.kind, "plural": r.Resource},
				"storedVersions": []any{r.Version},
				"conditions": []any{map[string]any{
					"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
					"lastTransitionTime": created.UTC().Format(time.RFC3339), "message": "the initial names have been accepted",
				}},
			},
		}}); err != nil {
			return err
		}
	}
	return nil
}

func crdAnnotations(group string) map[string]any {
	if group != "gateway.networking.k8s.io" {
		return map[string]any{"helm.sh/resource-policy": "keep"}
	}
	return map[string]any{
		"gateway.networking.k8s.io/bundle-version": "v1.4.0",
		"gateway.networking.k8s.io/channel":        "standard",
	}
}
