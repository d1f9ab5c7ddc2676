package mesh

import (
	"strings"
	"time"
)

// Ztunnel is one ztunnel pod with what it served and logged.
type Ztunnel struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string `expr:"cluster"`
	Namespace string `expr:"namespace"`
	Name      string `expr:"name"`
	NodeName  string `expr:"nodeName"`
	Pod       *Pod   `expr:"pod"`
	Node      *Node  `expr:"node"`
	// Version is Istio's, from the dump, else the image tag, else "".
	Version string `expr:"version"`
	// VersionSource is "dump", "image" or "".
	VersionSource string `expr:"versionSource"`
	ClusterID     string `expr:"clusterId"`
	Network       string `expr:"network"`
	XDSAddress    string `expr:"xdsAddress"`
	CAAddress     string `expr:"caAddress"`
	// XDSServiceMissing and CAServiceMissing are the Service, "<ns>/<name>", that the address names and the cluster does not have; "" for none.
	XDSServiceMissing string `expr:"xdsServiceMissing"`
	CAServiceMissing  string `expr:"caServiceMissing"`
	// CRLPath is where it reads revoked certificates from, "" for nowhere (1.29 and later).
	CRLPath string `expr:"crlPath"`
	// Env are the settings of its container that a bundle keeps the values of.
	Env map[string]string `expr:"env"`

	// HasDump is true where a config dump could be read.
	HasDump bool `expr:"hasDump"`
	// HasReady is true where /healthz/ready answered, Ready where it answered with 200; Pending are the tasks it waits for.
	HasReady bool     `expr:"hasReady"`
	Ready    bool     `expr:"ready"`
	Pending  []string `expr:"pending"`
	// Silent is true where none of its ports answered though its node gave its log.
	Silent bool `expr:"silent"`
	// UpSeconds is how long its container has run; 0 where that is not known.
	UpSeconds float64 `expr:"upSeconds"`
	// StartedAt is when the process that was captured began, by its log, else
	// by its container's status; Restarted is true where a log shows one before it.
	StartedAt time.Time `expr:"startedAt"`
	Restarted bool      `expr:"restarted"`

	// WorkloadCount, ServiceCount and PolicyCount are those of the dump.
	WorkloadCount int `expr:"workloadCount"`
	ServiceCount  int `expr:"serviceCount"`
	PolicyCount   int `expr:"policyCount"`
	// MissingWorkloads and OtherWorkloads count where it stands apart from the
	// state that most ztunnels hold.
	MissingWorkloads int `expr:"missingWorkloads"`
	OtherWorkloads   int `expr:"otherWorkloads"`

	// NodeWorkloads are the workloads that are on its node, by their Spec.
	NodeWorkloads []*Workload `expr:"nodeWorkloads"`

	Certificates []*Certificate `expr:"certificates"`
	InPods       []*InPod       `expr:"inPods"`

	// XDS is what the log says of its connection to istiod.
	XDS XDSState `expr:"xds"`
	// Nacks are the resources that it refused, by its log since its start.
	Nacks []*Nack `expr:"nacks"`
	// CNIConnection is what the log says of its connection to the CNI agent:
	// "connected", "failing", "lost" or "" where the log does not say.
	CNIConnection string `expr:"cniConnection"`
	// InSyncz is true where an istiod replica lists it.
	InSyncz bool `expr:"inSyncz"`
	// XDSEnds counts its ended connections to istiod since its start by reason: "Reconnect" is
	// istiod's own recycling, "Error" and "Complete" cut a stream that worked, and every retry is
	// a "ConnectionError" (metric istio_xds_connection_terminations).
	XDSEnds map[string]float64 `expr:"xdsEnds"`
	// XDSEndsMetric is the place of XDSEnds.
	XDSEndsMetric Section `expr:"xdsEndsMetric"`
	// AccessLogOn is false where the log level hides access lines at info.
	AccessLogOn bool `expr:"accessLogOn"`
	// LogFrom and LogTo are the times of the first and last line of its logs.
	LogFrom time.Time `expr:"logFrom"`
	LogTo   time.Time `expr:"logTo"`
	// FDsUnreadable is true where process_open_fds is a number below zero that was taken for a huge one.
	FDsUnreadable bool `expr:"fdsUnreadable"`
	// OpenFDs and MaxFDs are process_open_fds and process_max_fds; 0 where absent or nonsense.
	OpenFDs float64 `expr:"openFds"`
	MaxFDs  float64 `expr:"maxFds"`
	// FDErrors counts connections that failed for want of file descriptors since its start, by its log.
	FDErrors int `expr:"fdErrors"`
	// DNS is what its DNS proxy has forwarded since it started.
	DNS DNS `expr:"dns"`
	// WorkloadState and CertificateList are the sections of its dump:
	// evidence of what is not in them.
	WorkloadState   Section `expr:"workloadState"`
	CertificateList Section `expr:"certificateList"`
	// Workloads, Services and Policies are what its dump holds, shared between
	// ztunnels in agreement; nil where the dump lacks the section.
	Workloads *WorkloadSet `expr:"-"`
	Services  *ServiceSet  `expr:"-"`
	Policies  *PolicySet   `expr:"-"`

	// istiods are those that it is connected to: what is wrong with them may be the cause of what it lacks.
	istiods []*Istiod

	Dir         string // folder of its artifacts in the bundle
	Source      Evidence
	DumpSource  Evidence
	ReadySource Evidence

	gaps map[string]*Gap
}

// Section is a part of what an agent served, as a whole: a section of a dump, a metric.
type Section struct{ Source Evidence }

// XDSState is a ztunnel's connection to istiod as its log tells it.
type XDSState struct {
	// State is "connected", "failing", "never" (failing since the process
	// started, nothing received) or "" where the log does not say.
	State string `expr:"state"`
	// Error is the newest error's text, Class its kind: "connect", "dns",
	// "untrusted", "rejected", "timeout" or "other".
	Error  string    `expr:"error"`
	Class  string    `expr:"class"`
	Count  int       `expr:"count"` // errors since the last established stream
	Since  time.Time `expr:"since"`
	Source Evidence
}

// Nack is one resource that a ztunnel refused.
type Nack struct {
	TypeURL string    `expr:"typeUrl"`
	Error   string    `expr:"error"`
	Time    time.Time `expr:"time"`
	Source  Evidence
}

// DNS is a ztunnel's DNS proxy as its counters tell it.
type DNS struct {
	Requests float64 `expr:"requests"` // forwarded to the cluster's DNS
	// Failures count NXDOMAIN too, which most answers are where search domains are tried in turn.
	Failures float64 `expr:"failures"`
	Answered float64 `expr:"answered"`
	Slow     float64 `expr:"slow"` // of Answered, those that took a second or more
	Source   Evidence
}

// Evidence is the place of the section.
func (s Section) Evidence() []Evidence { return evidence(s.Source) }

// SetGap says that the ztunnel's artifact input is missing and why.
func (z *Ztunnel) SetGap(input, reason string) {
	if z.gaps == nil {
		z.gaps = map[string]*Gap{}
	}
	z.gaps[input] = &Gap{Subject: z.Subject().String(), Reason: reason}
}

// MissingInput is the gap of an artifact of this ztunnel, nil where it is there.
func (z *Ztunnel) MissingInput(input string) *Gap { return z.gaps[input] }

// Evidence is the line that the state was read from.
func (x XDSState) Evidence() []Evidence { return evidence(x.Source) }

// Evidence is where the answers' times stand.
func (d DNS) Evidence() []Evidence { return evidence(d.Source) }

func ztunnelKeys(zs []*Ztunnel) []string {
	var keys []string
	for _, z := range zs {
		keys = append(append(keys, z.keys()...), nodeKey(z.NodeName))
	}
	return keys
}

// keys are the ztunnel, what it is a part of, and the istiods that tell it what there is.
func (z *Ztunnel) keys() []string {
	keys := []string{z.Subject().Key(), (&Component{Name: "ztunnel", Version: z.Version}).Subject().Key()}
	keys = append(keys, keysOf(z.istiods)...)
	return keys
}

// ztunnelGap answers for the inputs of a node's ztunnel.
func ztunnelGap(z *Ztunnel, node, input string) (*Gap, bool) {
	if !strings.HasPrefix(input, "ztunnel.") {
		return nil, false
	}
	if z == nil {
		return &Gap{Subject: "node " + node, Reason: "no ztunnel of this node is in the bundle"}, true
	}
	return z.MissingInput(input), true
}

func (z *Ztunnel) Subject() Subject { return podSubject(z.Namespace, z.Name, z.NodeName).Of(z.Cluster) }

func (z *Ztunnel) Refs() []string {
	keys := append(z.keys(), nodeKey(z.NodeName))
	if z.Node != nil && z.Node.CNI != nil {
		keys = append(keys, z.Node.CNI.Subject().Key())
	}
	return refs(keys...)
}

func (z *Ztunnel) Evidence() []Evidence { return evidence(z.Source, z.DumpSource) }

func (z *Ztunnel) Gap(input string) (*Gap, bool) {
	return ztunnelGap(z, z.NodeName, input)
}
