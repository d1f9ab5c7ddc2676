package analyze

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
)

const (
	// changeBefore and changeAfter are how far from a fault's beginning a change
	// may be to stand near it: what it does takes time, and clocks differ.
	changeBefore = 10 * time.Minute
	changeAfter  = 5 * time.Second
	mostChanges  = 3
)

// bindingKinds are the resources that bind whatever lives in their namespace,
// or in all where theirs is the root namespace.
var bindingKinds = []string{
	"authorizationpolicies", "peerauthentications", "requestauthentications", "networkpolicies", "ciliumnetworkpolicies",
	"destinationrules", "virtualservices", "httproutes", "grpcroutes", "sidecars", "telemetries", "wasmplugins",
}

// meshKinds are the resources of the mesh's own namespaces that set up its parts.
var meshKinds = []string{"daemonsets", "deployments", "configmaps"}

// changesNear finds what was changed just before a fault began on what it
// concerns. That it stands near in time proves nothing.
type changesNear struct {
	mesh    *mesh.Mesh
	pods    map[string]*mesh.Pod // by their subjects' keys
	touches []mesh.Touch         // by time
}

func newChangesNear(m *mesh.Mesh) *changesNear {
	c := &changesNear{mesh: m}
	if len(m.Touches) == 0 {
		return c
	}
	c.pods = make(map[string]*mesh.Pod, len(m.Pods))
	for _, p := range m.Pods {
		c.pods[p.Subject().Key()] = p
	}
	c.touches = slices.Clone(m.Touches)
	slices.SortStableFunc(c.touches, func(a, b mesh.Touch) int { return a.Time.Compare(b.Time) })
	return c
}

// of are the changes near the first time of some hits, those of things that
// the hits name before all others, and of these the closest first.
func (c *changesNear) of(hits []*hit, first time.Time) []result.NearChange {
	if first.IsZero() || len(c.touches) == 0 {
		return []result.NearChange{}
	}
	about := newConcern(c, hits)
	type near struct {
		mesh.Touch
		named bool
	}
	var found []near
	from, _ := slices.BinarySearchFunc(c.touches, first.Add(-changeBefore), func(t mesh.Touch, at time.Time) int { return t.Time.Compare(at) })
	for _, t := range c.touches[from:] {
		if t.Time.After(first.Add(changeAfter)) {
			break
		}
		if named, ok := about.touched(t); ok {
			found = append(found, near{t, named})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int {
		switch {
		case a.named != b.named && a.named:
			return -1
		case a.named != b.named:
			return 1
		}
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Name, b.Name))
	})
	out := []result.NearChange{}
	for _, t := range found[:min(len(found), mostChanges)] {
		out = append(out, result.NearChange{
			Resource: t.Resource, Namespace: t.Namespace, Name: t.Name, Manager: t.Manager, Operation: t.Operation,
			Time: rfc3339(t.Time), Paths: nonNil(t.Paths), Evidence: t.Source,
		})
	}
	return out
}

// concern is what some hits are about.
type concern struct {
	root       string
	named      map[string]bool // "<resource>/<ns>/<name>"
	namespaces map[string]bool
	meshOwn    map[string]bool // namespaces of the mesh's own parts
}

func newConcern(c *changesNear, hits []*hit) *concern {
	about := &concern{root: c.mesh.RootNamespace, named: map[string]bool{}, namespaces: map[string]bool{}, meshOwn: map[string]bool{}}
	for _, h := range hits {
		for _, key := range h.refs() {
			about.add(c, key)
		}
	}
	return about
}

func (about *concern) add(c *changesNear, key string) {
	kind, rest, _ := strings.Cut(key, "/")
	namespace, name, _ := strings.Cut(rest, "/")
	about.named[resourceOf(kind)+"/"+namespace+"/"+name] = true
	if namespace != "" {
		about.namespaces[namespace] = true
		about.named["namespaces//"+namespace] = true
	}
	pod := c.pods[key]
	if pod == nil {
		return
	}
	if pod.Component != "" {
		about.meshOwn[pod.Namespace] = true
	}
	if pod.OwnerName != "" {
		about.named[resourceOf(strings.ToLower(pod.OwnerKind))+"/"+pod.Namespace+"/"+pod.OwnerName] = true
		about.named["deployments/"+pod.Namespace+"/"+result.WithoutHash(pod.OwnerName)] = true
	}
}

// resourceOf is the resource of a kind in lower case.
func resourceOf(kind string) string {
	switch {
	case strings.HasSuffix(kind, "y") && !strings.HasSuffix(kind, "ay"): // "gateways", and "policies"
		return strings.TrimSuffix(kind, "y") + "ies"
	case strings.HasSuffix(kind, "s"):
		return kind + "es"
	}
	return kind + "s"
}

// touched is true of a change of what is concerned; named where a hit names it.
func (about *concern) touched(t mesh.Touch) (named, ok bool) {
	switch {
	case about.named[t.Resource+"/"+t.Namespace+"/"+t.Name]:
		return true, true
	case slices.Contains(bindingKinds, t.Resource):
		return false, about.namespaces[t.Namespace] || t.Namespace == about.root
	case slices.Contains(meshKinds, t.Resource):
		return false, about.meshOwn[t.Namespace]
	}
	return false, false
}
