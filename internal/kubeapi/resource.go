package kubeapi

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is one kind of object that the API server knows.
type Resource struct {
	schema.GroupVersionResource
	Kind, Singular string
	ClusterScoped  bool
	// Custom is true of a resource that a CustomResourceDefinition serves: the items of its lists
	// carry kind and apiVersion, those of built-in ones don't.
	Custom       bool
	ShortNames   []string
	Categories   []string
	Subresources []Subresource
	// Fields are the field selectors that the API server knows beyond metadata.name and
	// metadata.namespace, as paths into the object.
	Fields []string
}

// Subresource is what can be asked of an object beside itself.
type Subresource struct {
	Name, Kind string
	Verbs      []string
}

func (r Resource) apiVersion() string { return r.GroupVersion().String() }

func (r Resource) hasSubresource(name string) bool {
	return slices.ContainsFunc(r.Subresources, func(s Subresource) bool { return s.Name == name })
}

// selects is true of a field that lists can be narrowed by.
func (r Resource) selects(field string) bool {
	return field == "metadata.name" || field == "metadata.namespace" && !r.ClusterScoped || slices.Contains(r.Fields, field)
}

// readVerbs are what is admitted on objects: nothing can be written.
func readVerbs() metav1.Verbs { return metav1.Verbs{"get", "list", "watch"} }
