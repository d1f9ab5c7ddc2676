package sim

import (
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// world is all that a cluster serves, whichever mode made it. Once it is served it does
// not change; churn puts another one in its place.
type world struct {
	// now is the cluster's clock: every Date header and every relative time follows it.
	now     func() time.Time
	version version.Info
	objects *kubeapi.Store
	pods    map[string]podBackend
	denied  []denial
	dead    map[string]bool // nodes that nothing can be reached on
	planted []Planted
	mesh    *mesh // that it was invented as; nil for a recorded one
}

// podBackend is what answers for one pod, and the node that it does so on.
type podBackend struct {
	kubeapi.Pod
	node string
}

// backend is what answers for p.
func (p podModel) backend(log func(container string, previous bool) (kubeapi.Log, bool), ports map[int32]kubeapi.Port) podBackend {
	return podBackend{node: p.node, Pod: kubeapi.Pod{
		Namespace: p.namespace, Name: p.name, UID: p.uid, IP: p.ips[0], Containers: []string{p.container.name}, Log: log, Ports: ports,
	}}
}

// silence is a port that accepts connections and never answers.
type silence struct{}

func (silence) ServeHTTP(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func podKey(namespace, name string) string { return namespace + "/" + name }

// denial is one thing that the cluster's user may not do, in the words of RBAC. An empty field
// stands for any value.
type denial struct {
	verb, group, resource, subresource, namespace string
}

func (d denial) covers(a kubeapi.Attributes) bool {
	match := func(pattern, value string) bool { return pattern == "" || pattern == value }
	return match(d.verb, a.Verb) && d.group == a.Group && match(d.resource, a.Resource) &&
		d.subresource == a.Subresource && match(d.namespace, a.Namespace)
}

// Planted is one fault as it was planted.
type Planted struct {
	Fault   string  `json:"fault"`
	Subject Subject `json:"subject"`
}

// Subject names what a fault was planted on, as its owner names it.
type Subject struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Node      string `json:"node,omitempty"`
}

func (s Subject) String() string {
	text := s.Kind + " " + s.Name
	if s.Namespace != "" {
		text = s.Kind + " " + s.Namespace + "/" + s.Name
	}
	if s.Node != "" && s.Kind != "node" {
		text += " (node " + s.Node + ")"
	}
	return text
}
