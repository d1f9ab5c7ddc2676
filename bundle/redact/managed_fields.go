package redact

import (
	"slices"
	"strings"
)

// unmanaged are the kinds whose managers say nothing that their objects do not:
// they are written by controllers, by the thousand or by the second.
var unmanaged = []string{
	"core/pods", "core/nodes", "core/events", "core/serviceaccounts", "apps/replicasets", "discovery.k8s.io/endpointslices",
	"apiextensions.k8s.io/customresourcedefinitions",
}

// KeepsManagers is true of the resources of whose objects it is kept who
// changed them when, and which fields were changed.
func KeepsManagers(group, resource string) bool {
	key := resourceKey(group, resource)
	return kept[key] != nil && !slices.Contains(unmanaged, key)
}

const (
	// managedDepth is how deep the names of owned fields are kept: as far as spec.template.spec.containers.
	managedDepth = 4
	// mostManaged bounds the fields that are kept of one manager.
	mostManaged = 64
)

// managers cuts metadata.managedFields (kubernetes/apimachinery
// pkg/apis/meta/v1 ManagedFieldsEntry) to manager, operation, time and the
// names of fields. What begins with k: or v: holds values of the object
// (structured-merge-diff fieldpath/serialize-pe.go), so a path ends before it. Managers of
// the status are left out: they say that a controller ran.
func managers(meta map[string]any) {
	entries, ok := meta["managedFields"].([]any)
	if !ok {
		delete(meta, "managedFields")
		return
	}
	out := []any{}
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		if !ok || entry["subresource"] != nil && entry["subresource"] != "" {
			continue
		}
		short := map[string]any{}
		for _, name := range []string{"manager", "operation", "time"} {
			if text, ok := entry[name].(string); ok {
				short[name] = text
			}
		}
		left := mostManaged
		if fields, ok := fieldNames(entry["fieldsV1"], nil, &left); ok {
			short["fieldsV1"] = fields
		}
		out = append(out, short)
	}
	if len(out) == 0 {
		delete(meta, "managedFields")
		return
	}
	meta["managedFields"] = out
}

// fieldNames keeps the members of a field set that name fields ("f:spec").
func fieldNames(v any, path []string, left *int) (map[string]any, bool) {
	set, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	out := map[string]any{}
	for _, name := range names {
		if !strings.HasPrefix(name, "f:") || *left == 0 {
			continue
		}
		*left--
		inside := append(path[:len(path):len(path)], name)
		out[name] = map[string]any{}
		if len(inside) == managedDepth || slices.Equal(inside, []string{"f:metadata", "f:annotations"}) {
			continue // annotations that are not kept are not named either
		}
		if below, ok := fieldNames(set[name], inside, left); ok {
			out[name] = below
		}
	}
	return out, true
}
