package mesh

// WorkloadSet is the workloads of one distinct view. Ztunnels in agreement
// share one set, so that a thousand of them cost one.
type WorkloadSet struct {
	Specs map[string]*WorkloadSpec // by uid
	File  string
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

// ServiceSet is the services of one distinct view, by "<namespace>/<hostname>".
type ServiceSet struct {
	Specs map[string]*ServiceSpec
	File  string
}

// PolicySpec is an authorization policy as one plane has it.
type PolicySpec struct {
	Namespace string
	Name      string
	Action    string
	Scope     string
	RuleCount int
	DryRun    bool
	Source    Evidence
}

// PolicySet is the policies of one distinct view, by "<namespace>/<name>".
type PolicySet struct {
	Specs map[string]*PolicySpec
	File  string
}

// holders groups ztunnels by the set they hold, in order of first appearance,
// so that every comparison costs one look at each distinct set.
type holders[S comparable] struct {
	sets []S
	by   map[S][]*Ztunnel
}

func group[S comparable](zs []*Ztunnel, of func(*Ztunnel) (S, bool)) holders[S] {
	h := holders[S]{by: map[S][]*Ztunnel{}}
	for _, z := range zs {
		s, ok := of(z)
		if !ok {
			continue
		}
		if _, seen := h.by[s]; !seen {
			h.sets = append(h.sets, s)
		}
		h.by[s] = append(h.by[s], z)
	}
	return h
}
