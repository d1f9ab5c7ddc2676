package mesh

import (
	"slices"
	"time"
)

// Policy is an authorization policy over the planes.
type Policy struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster    string    `expr:"cluster"`
	Created    time.Time `expr:"created"`
	AgeSeconds float64   `expr:"ageSeconds"`
	// Selector is spec.selector.matchLabels; nil selects the whole namespace.
	Selector  map[string]string `expr:"selector"`
	Namespace string            `expr:"namespace"`
	Name      string            `expr:"name"`
	Action    string            `expr:"action"`
	Scope     string            `expr:"scope"`
	RuleCount int               `expr:"ruleCount"`
	// InKubernetes is true of an AuthorizationPolicy object.
	InKubernetes bool `expr:"inKubernetes"`
	// Conditions are status conditions by type, such as "ZtunnelAccepted".
	Conditions map[string]Condition `expr:"conditions"`
	// SelectsEnrolled counts the enrolled pods that the policy selects.
	SelectsEnrolled int `expr:"selectsEnrolled"`
	// OnlyWaypoints are the waypoints' pods that its selector selects, where it selects nothing else of the mesh.
	OnlyWaypoints []*Pod `expr:"onlyWaypoints"`
	// HTTPAttributes are what its rules match that only a waypoint can see, such as "methods".
	HTTPAttributes []string `expr:"httpAttributes"`
	// Principals are all identities that its rules name, as they are written.
	Principals []string `expr:"principals"`
	// UnknownPrincipals are those of them that name a service account or a trust domain which the cluster does not have.
	UnknownPrincipals []string `expr:"unknownPrincipals"`
	// DryRun is true where annotation istio.io/dry-run asks for it not to be enforced.
	DryRun bool `expr:"dryRun"`
	// EnforcedBy are the ztunnels that hold it as one to enforce.
	EnforcedBy []*Ztunnel `expr:"enforcedBy"`
	// HeldEmpty are the ztunnels that hold it without a rule: as an ALLOW policy it then allows nothing.
	HeldEmpty []*Ztunnel `expr:"heldEmpty"`
	// DeniedPods are the enrolled pods that it selects and that no other ALLOW policy selects: what it does not allow is denied.
	DeniedPods  []*Pod     `expr:"deniedPods"`
	TargetRefs  bool       `expr:"targetRefs"`
	InIstiod    bool       `expr:"inIstiod"`
	Held        []*Ztunnel `expr:"held"`
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	// ReferencedBy are the ztunnels where a workload names the policy, and Unknown those of them that do not hold it.
	ReferencedBy  []*Ztunnel `expr:"referencedBy"`
	Unknown       []*Ztunnel `expr:"unknown"`
	Workloads     []string   `expr:"workloads"` // uids that name it
	Source        Evidence
	ZtunnelSource Evidence
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

func (p *Policy) Subject() Subject {
	return Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: p.Name, Cluster: p.Cluster}
}

func (p *Policy) Refs() []string {
	keys := []string{p.Subject().Key()}
	return refs(append(append(keys, ztunnelKeys(p.MissingFrom)...), ztunnelKeys(p.Unknown)...)...)
}

func (p *Policy) Evidence() []Evidence    { return evidence(p.Source, p.ZtunnelSource) }
func (p *Policy) Gap(string) (*Gap, bool) { return nil, false }

// Lacking are the ztunnels that do not hold the policy, or were told of one that they do not know.
func (p *Policy) Lacking() []*Ztunnel { return slices.Concat(p.MissingFrom, p.Unknown) }
