package mesh

// Namespace is a Kubernetes namespace.
type Namespace struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster string            `expr:"cluster"`
	Name    string            `expr:"name"`
	Labels  map[string]string `expr:"labels"`
	// Ambient is true where the namespace's label enrols its pods.
	Ambient bool `expr:"ambient"`
	// RootCerts are the sha256 fingerprints in its ConfigMap istio-ca-root-cert;
	// HasRootCerts is false where the bundle holds none of this namespace.
	RootCerts    []string `expr:"rootCerts"`
	HasRootCerts bool     `expr:"hasRootCerts"`
	Source       Evidence
}

func (n *Namespace) Subject() Subject {
	return Subject{Kind: "namespace", Name: n.Name, Cluster: n.Cluster}
}

func (n *Namespace) Refs() []string          { return refs(n.Subject().Key()) }
func (n *Namespace) Evidence() []Evidence    { return evidence(n.Source) }
func (n *Namespace) Gap(string) (*Gap, bool) { return nil, false }
