package sim

import (
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/version"
)

// world is all that a cluster serves, whichever mode made it. Once it is served it does
// not change; churn puts another one in its place.
type world struct {
	// now is the cluster's clock: every Date header and every relative time follows it.
	now     func() time.Time
	version version.Info
	objects *store
	pods    map[string]*podBackend
	denied  []denial
	roles   []Role          // that the user has; nil for nearly everything
	dead    map[string]bool // nodes that nothing can be reached on
	planted []Planted
	mesh    *mesh // that it was invented as; nil for a recorded one
}

// podBackend is what answers for one pod: its logs and its listening ports.
type podBackend struct {
	namespace, name, uid, ip, node string
	// log gives the output of a container as it stands, or of its previous instance;
	// ok is false when there is no such instance.
	log func(container string, previous bool) (text logText, ok bool)
	// containers are the names of the pod's containers, in order.
	containers []string
	ports      map[int32]port
}

// port is one listening port of a pod.
type port struct {
	handler http.Handler
	// loopback is true for a port that port-forward reaches and pod proxy doesn't.
	loopback bool
	// hang makes the port accept connections and never answer.
	hang bool
}

func podKey(namespace, name string) string { return namespace + "/" + name }

// denial is one thing that the cluster's user may not do, in the words of RBAC. An empty field
// stands for any value.
type denial struct {
	verb, group, resource, subresource, namespace string
}

func (d denial) covers(a attributes) bool {
	match := func(pattern, value string) bool { return pattern == "" || pattern == value }
	return match(d.verb, a.verb) && d.group == a.group && match(d.resource, a.resource) &&
		d.subresource == a.subresource && match(d.namespace, a.namespace)
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
