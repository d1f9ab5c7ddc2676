package mesh

import (
	"github.com/zbundle/zbundle/analyze/result"

	"strings"
)

// Gap says that one artifact a rule may need is not in the bundle, and why.
type Gap struct {
	Subject string // what lacks it: "ztunnel istio-system/ztunnel-7xk2p on node worker-1"
	Reason  string // why: "forbidden: …", "timeout: …"
}

// Subject and Evidence are those of results: what an item is called, and where it stands in the bundle.
type (
	Subject  = result.Subject
	Evidence = result.Evidence
)

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
