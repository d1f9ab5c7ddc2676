package world

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// AddCustomResourceDefinitions adds one definition for each custom resource of the
// catalogue, and takes those out of it that a cluster has for their objects only.
func AddCustomResourceDefinitions(s *kubeapi.Store, created time.Time) error {
	s.RemoveResources(func(r kubeapi.Resource) bool { return optional(r) && len(s.After(r.GroupVersionResource, "")) == 0 })
	definitions, err := s.Named("customresourcedefinitions")
	if err != nil {
		return err
	}
	for _, r := range s.Resources() {
		if !r.Custom {
			continue
		}
		scope := Choose(r.ClusterScoped, "Cluster", "Namespaced")
		if err := addObject(s, definitions, &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{
				"name":              r.Resource + "." + r.Group,
				"creationTimestamp": created.UTC().Format(time.RFC3339),
				"annotations":       crdAnnotations(r.Group),
			},
			"spec": map[string]any{
				"group": r.Group,
				"names": map[string]any{"kind": r.Kind, "listKind": r.Kind + "List", "plural": r.Resource, "singular": r.Singular},
				"scope": scope,
				"versions": []any{map[string]any{
					"name": r.Version, "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{
						"type": "object", "x-kubernetes-preserve-unknown-fields": true,
					}},
				}},
			},
			"status": map[string]any{
				"acceptedNames":  map[string]any{"kind": r.Kind, "plural": r.Resource},
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
