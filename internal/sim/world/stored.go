package world

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// Stored is an object to store, with the resource that it is one of.
type Stored struct {
	Resource string
	Object   interface {
		metav1.Object
		runtimeObject
	}
}

// AddTo stores the object; its UID follows from its name where it has none.
func (o Stored) AddTo(s *kubeapi.Store) error {
	r, err := s.Named(o.Resource)
	if err != nil {
		return err
	}
	return addObject(s, r, o.Object)
}

func addObject(s *kubeapi.Store, r kubeapi.Resource, object interface {
	metav1.Object
	runtime.Object
}) error {
	object.SetResourceVersion(strconv.Itoa(kubeapi.ResourceVersion))
	if object.GetUID() == "" {
		object.SetUID(StableUID(r.Resource, object.GetNamespace(), object.GetName()))
	}
	return s.Add(r, object)
}

type runtimeObject = runtime.Object
