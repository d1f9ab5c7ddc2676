package world

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	installer = "helm"         // who made the objects of the mesh
	editor    = "kubectl-edit" // who changed what a fault changes
	// changeBefore is how long before the first failure a fault's objects were changed.
	changeBefore = 7 * time.Second
	// changeAgo is how long ago they were where nothing failed of it.
	changeAgo = 6 * time.Minute
)

// unmanaged are the resources that controllers write, by the thousand or by the second.
var unmanaged = []string{"pods", "nodes", "events", "endpointslices", "replicasets", "serviceaccounts"}

// manage gives objects their managedFields: those that a mesh without the
// faults has otherwise, or has not, were changed shortly before the faults showed.
func (m *Mesh) manage(all []Stored, created time.Time) error {
	for _, o := range all {
		if slices.Contains(unmanaged, o.Resource) {
			continue
		}
		text, err := json.Marshal(o.Object)
		if err != nil {
			return err
		}
		key := o.Resource + "/" + o.Object.GetNamespace() + "/" + o.Object.GetName()
		if m.unmanaged != nil {
			m.unmanaged[key] = text
		}
		entries := []metav1.ManagedFieldsEntry{managedEntry(installer, metav1.ManagedFieldsOperationApply, created, nil)}
		if m.healthy != nil {
			if paths := changedPaths(m.healthy[key], text); len(paths) > 0 {
				entries = append(entries, managedEntry(editor, metav1.ManagedFieldsOperationUpdate, m.changedAt(), paths))
			}
		}
		o.Object.SetManagedFields(entries)
	}
	return nil
}

// changedAt is when the objects of the faults were changed.
func (m *Mesh) changedAt() time.Time {
	first := m.Now.Add(-changeAgo)
	for _, f := range m.broken {
		if f.at.Before(first) {
			first = f.at
		}
	}
	return first.Add(-changeBefore)
}

// managedEntry is what one manager owns, by paths of two members ("spec", "ports").
func managedEntry(manager string, operation metav1.ManagedFieldsOperationType, at time.Time, paths [][2]string) metav1.ManagedFieldsEntry {
	fields := map[string]map[string]any{}
	for _, p := range paths {
		if fields["f:"+p[0]] == nil {
			fields["f:"+p[0]] = map[string]any{}
		}
		fields["f:"+p[0]]["f:"+p[1]] = map[string]any{}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(fmt.Sprintf("names of fields can't be encoded: %v", err)) // strings only
	}
	when := metav1.NewTime(at.Truncate(time.Second))
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, Time: &when, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(raw))}
}

// changedPaths are the members, two levels deep, in which an object differs
// from what it was before; all of its own where it was not there.
func changedPaths(before, now []byte) [][2]string {
	var old, own map[string]map[string]any
	decode := func(text []byte, to *map[string]map[string]any) {
		var members map[string]any
		if len(text) == 0 || json.Unmarshal(text, &members) != nil {
			return
		}
		*to = map[string]map[string]any{}
		for name, value := range members {
			if inside, ok := value.(map[string]any); ok {
				(*to)[name] = inside
			}
		}
	}
	decode(before, &old)
	decode(now, &own)
	var out [][2]string
	for _, name := range SortedKeys(own) {
		if name == "status" {
			continue
		}
		for _, member := range SortedKeys(own[name]) {
			if name == "metadata" && member != "labels" && member != "annotations" {
				continue
			}
			if !reflect.DeepEqual(old[name][member], own[name][member]) {
				out = append(out, [2]string{name, member})
			}
		}
		for _, member := range SortedKeys(old[name]) {
			if _, kept := own[name][member]; !kept && name != "metadata" {
				out = append(out, [2]string{name, member})
			}
		}
	}
	return out
}

// withoutFaults are the objects of the same mesh without its faults.
func (g *Generate) withoutFaults(now time.Time, c Changes) (map[string][]byte, error) {
	healthy := *g
	healthy.Faults = nil
	m, _, err := healthy.meshAt(now, c)
	if err != nil {
		return nil, err
	}
	m.unmanaged = map[string][]byte{}
	if err := m.AddTo(&World{Objects: NewStore(), Pods: map[string]PodBackend{}, Dead: map[string]bool{}}); err != nil {
		return nil, err
	}
	return m.unmanaged, nil
}
