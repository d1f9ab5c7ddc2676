package mesh

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// Service is a service over the planes.
type Service struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster    string            `expr:"cluster"`
	Created    time.Time         `expr:"created"`
	Namespace  string            `expr:"namespace"`
	Name       string            `expr:"name"`
	Hostname   string            `expr:"hostname"`
	Labels     map[string]string `expr:"labels"`
	Type       string            `expr:"type"`
	ClusterIPs []string          `expr:"clusterIps"`
	AgeSeconds float64           `expr:"ageSeconds"`
	// InKubernetes is true of a Kubernetes Service; false of ServiceEntry hosts and the like.
	InKubernetes    bool              `expr:"inKubernetes"`
	HasSelector     bool              `expr:"hasSelector"`
	Selector        map[string]string `expr:"selector"`
	PublishNotReady bool              `expr:"publishNotReady"`
	// ReadyEndpoints and Endpoints count pods in its EndpointSlices.
	ReadyEndpoints int `expr:"readyEndpoints"`
	Endpoints      int `expr:"endpoints"`
	// Held are the ztunnels that have it, Empty those of them that hold no endpoint for it.
	Held        []*Ztunnel `expr:"held"`
	Empty       []*Ztunnel `expr:"empty"`
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	InIstiod    bool       `expr:"inIstiod"`
	VIPs        []string   `expr:"vips"`
	Waypoint    string     `expr:"waypoint"`    // what ztunnels hold
	UseWaypoint string     `expr:"useWaypoint"` // label istio.io/use-waypoint of it or its namespace, "" for none
	// WaypointNamespace is where that waypoint is, UsesWaypoint its Gateway; nil where there is none.
	WaypointNamespace string    `expr:"waypointNamespace"`
	UsesWaypoint      *Waypoint `expr:"usesWaypoint"`
	// Conditions are its status conditions by their types, such as "istio.io/WaypointBound".
	Conditions map[string]Condition `expr:"conditions"`
	// LBMode, LBPreferences and HealthPolicy are the load balancer of ztunnels' view.
	LBMode        string   `expr:"lbMode"`
	LBPreferences []string `expr:"lbPreferences"`
	HealthPolicy  string   `expr:"healthPolicy"`
	// Workloads are those whose spec lists the service.
	Workloads     []*Workload `expr:"workloads"`
	Source        Evidence
	ZtunnelSource Evidence
}

// ServiceSpec is a service as one plane has it.
type ServiceSpec struct {
	Namespace    string
	Name         string
	Hostname     string
	VIPs         []string // without the network
	Endpoints    int
	Unhealthy    int // endpoints whose own status says so
	Waypoint     string
	LBMode       string
	Preferences  []string
	HealthPolicy string
	Source       Evidence
}

func (s *Service) Subject() Subject {
	return Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name, Cluster: s.Cluster}
}

func (s *Service) Refs() []string {
	keys := []string{s.Subject().Key()}
	if s.UseWaypoint != "" {
		keys = append(keys, Subject{Kind: "gateway", Namespace: s.WaypointNamespace, Name: s.UseWaypoint}.Key())
	}
	for _, w := range s.Workloads {
		keys = append(keys, w.Subject().Key())
		if w.Spec != nil {
			keys = append(keys, (&Network{Name: w.Spec.Network}).Subject().Key())
		}
	}
	return refs(append(append(keys, ztunnelKeys(s.MissingFrom)...), ztunnelKeys(s.Empty)...)...)
}

func (s *Service) Evidence() []Evidence    { return evidence(s.Source, s.ZtunnelSource) }
func (s *Service) Gap(string) (*Gap, bool) { return nil, false }

// serviceSubject reads the namespace out of a cluster-local hostname.
func serviceSubject(host string) Subject {
	name, rest, ok := strings.Cut(host, ".")
	ns, tail, _ := strings.Cut(rest, ".")
	if !ok || !strings.HasPrefix(tail, "svc.") {
		return Subject{Kind: "service", Name: host}
	}
	return Subject{Kind: "service", Namespace: ns, Name: name}
}

// Lacking are the ztunnels that do not hold the service, or no endpoint of it.
func (s *Service) Lacking() []*Ztunnel { return slices.Concat(s.MissingFrom, s.Empty) }

// SameService is true of specs that differ in nothing but where they stand.
func SameService(a, b *ServiceSpec) bool {
	x, y := *a, *b
	x.Source, y.Source = Evidence{}, Evidence{}
	return reflect.DeepEqual(x, y)
}
