package result

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

// Of is the subject in a cluster of several.
func (s Subject) Of(cluster string) Subject {
	s.Cluster = cluster
	return s
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
