package analyze

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// wholeMesh is the collection of rules that are judged once.
const wholeMesh = "mesh"

// collection is one that rules can run over.
type collection struct {
	name  string // "pods"
	item  string // the variable of one of it: "pod"
	field int    // of mesh.Mesh; -1 for the mesh itself
	typ   reflect.Type
}

// items of the collection in m.
func (c collection) items(m *mesh.Mesh) []mesh.Item {
	if c.field < 0 {
		return []mesh.Item{m}
	}
	list := reflect.ValueOf(m).Elem().Field(c.field)
	items := make([]mesh.Item, list.Len())
	for i := range items {
		items[i] = list.Index(i).Interface().(mesh.Item)
	}
	return items
}

// singular names the variables of collections whose names say otherwise.
var singular = map[string]string{
	"policies": "policy", "networkPolicies": "networkPolicy", "serviceEntries": "serviceEntry", "localIdentities": "localIdentity", "series": "series", "xds": "xds",
	"telemetries": "telemetry", "addressClashes": "clash", "workloadStates": "inPod",
}

// collections are the lists of items that mesh.Mesh has, in its order.
func collections() []collection {
	t := reflect.TypeFor[mesh.Mesh]()
	item := reflect.TypeFor[mesh.Item]()
	list := []collection{{name: wholeMesh, item: wholeMesh, field: -1, typ: reflect.TypeFor[*mesh.Mesh]()}}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("expr")
		if name == "" || name == "-" || f.Type.Kind() != reflect.Slice || !f.Type.Elem().Implements(item) {
			continue
		}
		one, ok := singular[name]
		if !ok {
			one = strings.TrimSuffix(name, "s")
		}
		list = append(list, collection{name: name, item: one, field: i, typ: f.Type.Elem()})
	}
	return list
}

func collectionNamed(name string) (collection, error) {
	all := collections()
	at := slices.IndexFunc(all, func(c collection) bool { return c.name == name })
	if at < 0 {
		names := make([]string, len(all))
		for i, c := range all {
			names[i] = c.name
		}
		return collection{}, fmt.Errorf("%q is no collection; there are %s", name, strings.Join(names, ", "))
	}
	return all[at], nil
}

// agentTypes are what agents served and logged; of them only the fields in
// fromKubernetes are known where an agent could not be read.
func agentTypes() map[reflect.Type]bool {
	return map[reflect.Type]bool{
		reflect.TypeFor[mesh.Ztunnel](): true, reflect.TypeFor[mesh.XDSState](): true, reflect.TypeFor[mesh.InPod](): true,
		reflect.TypeFor[mesh.Certificate](): true, reflect.TypeFor[mesh.CNI](): true, reflect.TypeFor[mesh.Istiod](): true,
		reflect.TypeFor[mesh.LocalIdentity](): true,
	}
}

func fromKubernetes(field string) bool {
	return slices.Contains([]string{"cluster", "namespace", "name", "nodeName", "pod", "node", "upSeconds", "revision", "ztunnel", "identity", "pods", "oldestSeconds"}, field)
}
