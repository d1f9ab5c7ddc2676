package mesh

import (
	"strings"
)

// Gap says that one artifact a rule may need is not in the bundle, and why.
type Gap struct {
	Subject string // what lacks it: "ztunnel istio-system/ztunnel-7xk2p on node worker-1"
	Reason  string // why: "forbidden: …", "timeout: …"
}

// Subject names a thing as its owner names it.
type Subject struct {
	Kind      string `json:"kind"`
	Cluster   string `json:"cluster,omitempty"` // in a bundle of several
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Node      string `json:"node,omitempty"`
}

// Evidence is a place in the bundle and what stands there. Line counts from 1;
// either Line or Pointer (RFC 6901) is set where the file is more than one value.
type Evidence struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Pointer string `json:"pointer,omitempty"`
	Text    string `json:"text,omitempty"`
}

// Item is one element of a collection that a rule runs over.
type Item interface {
	// Subject is what a finding about the item names.
	Subject() Subject
	// Refs are the keys of the things the item is about, its own included: a
	// cause explains a symptom whose refs hold one of the cause's subjects.
	Refs() []string
	// Evidence is where the item itself stands.
	Evidence() []Evidence
	// Gap answers for inputs that belong to this very item, such as
	// "ztunnel.dump" of a pod's node. Scoped is false where the item has no
	// say and the mesh's own inputs count.
	Gap(input string) (gap *Gap, scoped bool)
}

// of names the cluster of a subject.
func (s Subject) of(cluster string) Subject {
	s.Cluster = cluster
	return s
}

// keysOf are the keys of the items' subjects.
func keysOf[T Item](items []T) []string {
	keys := make([]string, len(items))
	for n, i := range items {
		keys[n] = i.Subject().Key()
	}
	return keys
}

// refs drops what is unknown and what was named before.
func refs(keys ...string) []string {
	out := make([]string, 0, len(keys))
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		if k == "" || strings.HasSuffix(k, "/") || seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, k)
	}
	return out
}

func evidence(es ...Evidence) []Evidence {
	out := make([]Evidence, 0, len(es))
	for _, e := range es {
		if e.File != "" {
			out = append(out, e)
		}
	}
	return out
}

// Key is the identity of a subject for joining findings, which are joined
// within a cluster; the node does not take part.
func (s Subject) Key() string { return s.Kind + "/" + s.Namespace + "/" + s.Name }

func (s Subject) String() string {
	name := s.Name
	if s.Namespace != "" {
		name = s.Namespace + "/" + s.Name
	}
	if s.Node != "" && s.Kind != "node" {
		name += " on node " + s.Node
	}
	if s.Cluster != "" {
		name += " of cluster " + s.Cluster
	}
	return s.Kind + " " + name
}
