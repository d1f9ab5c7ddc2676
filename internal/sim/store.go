package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// resourceVersion is the one version that the world's objects have: it never changes.
const resourceVersion = 104729

// store holds the world's objects, encoded once.
type store struct {
	byResource map[schema.GroupVersionResource]*table
	catalogue  []apiResource
}

// table holds the objects of one resource, sorted by namespace and name as etcd keeps them.
type table struct {
	resource apiResource
	objects  []object
}

type object struct {
	namespace, name string
	labels          labels.Set
	fields          fields.Set
	// encoded is the object as JSON; without kind and apiVersion unless it is a custom resource,
	// as in the lists of a real API server.
	encoded []byte
}

func (o object) key() string { return o.namespace + "/" + o.name }

func newStore() *store {
	s := &store{byResource: map[schema.GroupVersionResource]*table{}, catalogue: resources()}
	for _, r := range s.catalogue {
		s.byResource[r.GroupVersionResource] = &table{resource: r}
	}
	return s
}

// add stores obj, a typed object or an *unstructured.Unstructured, as one of the named resource.
func (s *store) add(plural string, obj runtime.Object) error {
	t, err := s.tableOf(plural)
	if err != nil {
		return err
	}
	return t.add(obj)
}

func (t *table) add(obj runtime.Object) error {
	plural := t.resource.Resource
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("storing an object of %s: %w", plural, err)
	}
	m.SetResourceVersion(strconv.Itoa(resourceVersion))
	if m.GetUID() == "" {
		m.SetUID(stableUID(plural, m.GetNamespace(), m.GetName()))
	}
	if u, ok := obj.(*unstructured.Unstructured); ok && t.resource.custom {
		u.SetAPIVersion(t.resource.apiVersion())
		u.SetKind(t.resource.kind)
	}
	encoded, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encoding %s %s/%s: %w", plural, m.GetNamespace(), m.GetName(), err)
	}
	selectors, err := selectableFields(t.resource, m, encoded)
	if err != nil {
		return fmt.Errorf("indexing %s %s/%s: %w", plural, m.GetNamespace(), m.GetName(), err)
	}
	t.objects = append(t.objects, object{
		namespace: m.GetNamespace(),
		name:      m.GetName(),
		labels:    m.GetLabels(),
		fields:    selectors,
		encoded:   encoded,
	})
	return nil
}

func (s *store) tableOf(plural string) (*table, error) {
	for _, r := range s.catalogue {
		if r.Resource == plural {
			return s.byResource[r.GroupVersionResource], nil
		}
	}
	return nil, fmt.Errorf("the simulated API server has no resource %q", plural)
}

// seal sorts the tables; it is called once, before the world is served.
func (s *store) seal() error {
	for _, t := range s.byResource {
		slices.SortFunc(t.objects, func(a, b object) int { return strings.Compare(a.key(), b.key()) })
		for i := 1; i < len(t.objects); i++ {
			if t.objects[i].key() == t.objects[i-1].key() {
				return fmt.Errorf("the world has %s %s twice", t.resource.Resource, t.objects[i].key())
			}
		}
	}
	return nil
}

func (t *table) get(namespace, name string) (object, bool) {
	key := object{namespace: namespace, name: name}.key()
	i := sort.Search(len(t.objects), func(i int) bool { return t.objects[i].key() >= key })
	if i == len(t.objects) || t.objects[i].key() != key {
		return object{}, false
	}
	return t.objects[i], true
}

// after gives the objects whose key follows key.
func (t *table) after(key string) []object {
	i := sort.Search(len(t.objects), func(i int) bool { return t.objects[i].key() > key })
	return t.objects[i:]
}

func selectableFields(r apiResource, m metav1.Object, encoded []byte) (fields.Set, error) {
	set := fields.Set{"metadata.name": m.GetName()}
	if !r.clusterWide {
		set["metadata.namespace"] = m.GetNamespace()
	}
	if len(r.fields) == 0 {
		return set, nil
	}
	var tree map[string]any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		return nil, err
	}
	for _, path := range r.fields {
		value, _, err := unstructured.NestedFieldNoCopy(tree, strings.Split(path, ".")...)
		if err != nil {
			return nil, err
		}
		set[path] = ""
		if value != nil {
			set[path] = fmt.Sprint(value)
		}
	}
	return set, nil
}
