package mesh

import "strings"

// Inputs that istiods tell.
const (
	InputSyncz         = "istiod.syncz"    // of every replica
	InputAmbientz      = "istiod.ambientz" // of any replica
	InputIstiodLog     = "istiod.log"
	InputIstiodMetrics = "istiod.metrics"
	InputMeshConfig    = "istiod.mesh"
	InputClusterz      = "istiod.clusterz" // of every replica
	InputNetworkz      = "istiod.networkz" // of any replica
)

func istiodInputs() []string {
	return []string{InputSyncz, InputAmbientz, InputIstiodLog, InputIstiodMetrics, InputMeshConfig, InputClusterz, InputNetworkz}
}

// Istiod is one istiod replica.
type Istiod struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string `expr:"cluster"`
	Namespace string `expr:"namespace"`
	Name      string `expr:"name"`
	Revision  string `expr:"revision"`
	Version   string `expr:"version"`
	Pod       *Pod   `expr:"pod"`
	// HasSyncz and HasAmbientz tell which answers could be read.
	HasSyncz    bool `expr:"hasSyncz"`
	HasAmbientz bool `expr:"hasAmbientz"`
	// Proxies counts the proxies that it lists by type.
	Proxies       map[string]int `expr:"proxies"`
	WorkloadCount int            `expr:"workloadCount"`
	// Env are the settings of its container that a bundle keeps the values of.
	Env map[string]string `expr:"env"`
	// Clusters are those that it watches, by what it says of its look at them: "synced",
	// "syncing", "timeout" or "closed" (/debug/clusterz).
	Clusters map[string]string `expr:"clusters"`
	// CSRSignErrors is metric citadel_server_csr_sign_err_count, since its start; -1 where it is absent.
	CSRSignErrors float64 `expr:"csrSignErrors"`
	// Convergence99Seconds is what 99 of 100 pushes stayed below since its start, from change to
	// proxy, of ConvergenceCount in all (metric pilot_proxy_convergence_time); -1 where it is absent.
	Convergence99Seconds float64 `expr:"convergence99Seconds"`
	ConvergenceCount     float64 `expr:"convergenceCount"`
	// ClusterList and ConvergenceMetric are the places of Clusters and of the convergence time.
	ClusterList       Section `expr:"clusterList"`
	ConvergenceMetric Section `expr:"convergenceMetric"`
	// Workloads, Services and Policies are what ambientz says it sends; nil where it was not read.
	Workloads *WorkloadSet `expr:"-"`
	Services  *ServiceSet  `expr:"-"`
	Policies  *PolicySet   `expr:"-"`
	// After is what it said at the second look, after all ztunnels were asked; nil without one.
	After  *Look `expr:"-"`
	Dir    string
	Source Evidence
	gaps   map[string]*Gap
}

// SetGap says that the replica's artifact input is missing and why.
func (i *Istiod) SetGap(input, reason string) {
	if i.gaps == nil {
		i.gaps = map[string]*Gap{}
	}
	i.gaps[input] = &Gap{Subject: i.Subject().String(), Reason: reason}
}

// MissingInput is the gap of an artifact of this replica, nil where it is there.
func (i *Istiod) MissingInput(input string) *Gap { return i.gaps[input] }

func (i *Istiod) Subject() Subject {
	node := ""
	if i.Pod != nil {
		node = i.Pod.NodeName
	}
	return podSubject(i.Namespace, i.Name, node).Of(i.Cluster)
}

func (i *Istiod) Refs() []string       { return refs(i.Subject().Key()) }
func (i *Istiod) Evidence() []Evidence { return evidence(i.Source) }

func (i *Istiod) Gap(input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "istiod.") {
		return nil, false
	}
	return i.MissingInput(input), true
}
