package kubeapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Objects are the objects that a Server serves.
type Objects interface {
	// Resources are those that it knows, in the order in which discovery lists them.
	Resources() []Resource
	// After gives the objects of a resource whose keys follow key, in the order of their keys.
	After(r schema.GroupVersionResource, key string) []Object
	// Get gives one object; namespace is "" for a cluster-scoped one.
	Get(r schema.GroupVersionResource, namespace, name string) (Object, bool)
}

// Object is an object as it is served.
type Object struct {
	Namespace, Name string
	Labels          labels.Set
	// Fields are the values that field selectors are matched against.
	Fields fields.Set
	// JSON is the object; without kind and apiVersion unless it is a custom resource, as in the
	// lists of a real API server.
	JSON []byte
}

// Key is NAMESPACE/NAME, by which etcd orders objects.
func (o Object) Key() string { return o.Namespace + "/" + o.Name }

// Store holds objects in memory, encoded once. It is filled, then sealed, then read.
type Store struct {
	resources []Resource
	tables    map[schema.GroupVersionResource][]Object
}

// NewStore gives an empty store that knows resources.
func NewStore(resources []Resource) *Store {
	s := &Store{tables: map[schema.GroupVersionResource][]Object{}}
	for _, r := range resources {
		s.AddResource(r)
	}
	return s
}

// AddResource makes a further resource known.
func (s *Store) AddResource(r Resource) {
	s.resources = append(s.resources, r)
	s.tables[r.GroupVersionResource] = nil
}

// RemoveResources makes resources, and what is stored of them, unknown.
func (s *Store) RemoveResources(remove func(Resource) bool) {
	s.resources = slices.DeleteFunc(s.resources, func(r Resource) bool {
		if remove(r) {
			delete(s.tables, r.GroupVersionResource)
			return true
		}
		return false
	})
}

// Resources implements Objects.
func (s *Store) Resources() []Resource { return s.resources }

// Named is the first resource of that plural.
func (s *Store) Named(plural string) (Resource, error) {
	i := slices.IndexFunc(s.resources, func(r Resource) bool { return r.Resource == plural })
	if i < 0 {
		return Resource{}, fmt.Errorf("the API server has no resource %q", plural)
	}
	return s.resources[i], nil
}

// Add stores obj, a typed object or an *unstructured.Unstructured, as one of r.
func (s *Store) Add(r Resource, obj runtime.Object) error {
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("storing an object of %s: %w", r.Resource, err)
	}
	if u, ok := obj.(*unstructured.Unstructured); ok && r.Custom {
		u.SetAPIVersion(r.apiVersion())
		u.SetKind(r.Kind)
	}
	encoded, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encoding %s %s/%s: %w", r.Resource, m.GetNamespace(), m.GetName(), err)
	}
	selectable, err := r.selectable(m, encoded)
	if err != nil {
		return fmt.Errorf("indexing %s %s/%s: %w", r.Resource, m.GetNamespace(), m.GetName(), err)
	}
	s.tables[r.GroupVersionResource] = append(s.tables[r.GroupVersionResource],
		Object{Namespace: m.GetNamespace(), Name: m.GetName(), Labels: m.GetLabels(), Fields: selectable, JSON: encoded})
	return nil
}

// Seal puts the objects in order; it is called once, before they are served.
func (s *Store) Seal() error {
	for r, objects := range s.tables {
		slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key(), b.Key()) })
		for i := 1; i < len(objects); i++ {
			if objects[i].Key() == objects[i-1].Key() {
				return fmt.Errorf("there are two %s %s", r.Resource, objects[i].Key())
			}
		}
	}
	return nil
}

// Get implements Objects.
func (s *Store) Get(r schema.GroupVersionResource, namespace, name string) (Object, bool) {
	objects, key := s.tables[r], Object{Namespace: namespace, Name: name}.Key()
	i := sort.Search(len(objects), func(i int) bool { return objects[i].Key() >= key })
	if i == len(objects) || objects[i].Key() != key {
		return Object{}, false
	}
	return objects[i], true
}

// After implements Objects. Who changes the JSON of what it gives changes what is served.
func (s *Store) After(r schema.GroupVersionResource, key string) []Object {
	objects := s.tables[r]
	if key == "" {
		return objects
	}
	return objects[sort.Search(len(objects), func(i int) bool { return objects[i].Key() > key }):]
}

// selectable are the values that an object of r can be selected by.
func (r Resource) selectable(m metav1.Object, encoded []byte) (fields.Set, error) {
	set := fields.Set{"metadata.name": m.GetName()}
	if !r.ClusterScoped {
		set["metadata.namespace"] = m.GetNamespace()
	}
	if len(r.Fields) == 0 {
		return set, nil
	}
	var tree map[string]any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		return nil, err
	}
	for _, path := range r.Fields {
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
