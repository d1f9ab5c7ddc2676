package world

import (
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// ContextName names the cluster in a kubeconfig.
const ContextName = "zsim"

// ClusterUser is the one user of the cluster, by client certificate or bearer token.
const ClusterUser = "zsim-user"

// World is all that a cluster serves, whichever mode made it. Once it is served it does
// not change; churn puts another one in its place.
type World struct {
	// Now is the cluster's clock: every Date header and every relative time follows it.
	Now     func() time.Time
	Version version.Info
	Objects *kubeapi.Store
	Pods    map[string]PodBackend
	Denied  []Denial
	Dead    map[string]bool // nodes that nothing can be reached on
	Planted []Planted
	Mesh    *Mesh // that it was invented as; nil for a recorded one
}

// PodBackend is what answers for one pod, and the node that it does so on.
type PodBackend struct {
	kubeapi.Pod
	Node string
}

// Backend is what answers for p.
func (p PodModel) Backend(log func(container string, previous bool) (kubeapi.Log, bool), ports map[int32]kubeapi.Port) PodBackend {
	return PodBackend{Node: p.Node, Pod: kubeapi.Pod{
		Namespace: p.Namespace, Name: p.Name, UID: p.UID, IP: p.IPs[0], Containers: []string{p.Container.Name}, Log: log, Ports: ports,
	}}
}

// Silence is a port that accepts connections and never answers.
type Silence struct{}

func (Silence) ServeHTTP(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// PodKey is NAMESPACE/NAME.
func PodKey(namespace, name string) string { return namespace + "/" + name }

// Denial is one thing that the cluster's user may not do, in the words of RBAC. An empty field
// stands for any value.
type Denial struct {
	verb, group, Resource, Subresource, namespace string
}

// Covers tells whether a is what is denied.
func (d Denial) Covers(a kubeapi.Attributes) bool {
	match := func(pattern, value string) bool { return pattern == "" || pattern == value }
	return match(d.verb, a.Verb) && d.group == a.Group && match(d.Resource, a.Resource) &&
		d.Subresource == a.Subresource && match(d.namespace, a.Namespace)
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
