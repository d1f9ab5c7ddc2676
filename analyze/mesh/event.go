package mesh

import (
	"strings"
	"time"
)

// Event is a Kubernetes event of a kind that rules read.
type Event struct {
	Last       time.Time `expr:"last"`
	Namespace  string    `expr:"namespace"`
	Kind       string    `expr:"kind"` // of the object it is about
	Name       string    `expr:"name"`
	Reason     string    `expr:"reason"`
	Type       string    `expr:"type"`
	Message    string    `expr:"message"`
	Count      int       `expr:"count"`
	AgeSeconds float64   `expr:"ageSeconds"` // of its last occurrence
	// DaemonSet is the mesh's own that it is about, nil for all others.
	DaemonSet *DaemonSet `expr:"daemonSet"`
	// Pod is the one that it is about, nil for all else; Gone is true where that pod is there no more.
	Pod    *Pod `expr:"pod"`
	Gone   bool `expr:"gone"`
	Source Evidence
}

func (e *Event) Subject() Subject {
	return Subject{Kind: strings.ToLower(e.Kind), Namespace: e.Namespace, Name: e.Name}
}

func (e *Event) Refs() []string {
	keys := []string{e.Subject().Key()}
	if e.Pod != nil {
		keys = append(keys, e.Pod.Refs()...)
	}
	if e.DaemonSet != nil {
		keys = append(keys, e.DaemonSet.Refs()...)
	}
	return refs(keys...)
}

func (e *Event) Evidence() []Evidence    { return evidence(e.Source) }
func (e *Event) Gap(string) (*Gap, bool) { return nil, false }
