package mesh

import "time"

// Certificate is one identity's certificate in one ztunnel.
type Certificate struct {
	Identity string   `expr:"identity"`
	Ztunnel  *Ztunnel `expr:"ztunnel"`
	// State is "Available", "Initializing" or "Unavailable", Reason the text after "Unavailable: ".
	State  string `expr:"state"`
	Reason string `expr:"reason"`
	// ReasonClass is what kind of reason it is: "impersonation", "ca-unreachable", "untrusted-ca", "not-needed", "other".
	ReasonClass string    `expr:"reasonClass"`
	Serial      string    `expr:"serial"`
	NotBefore   time.Time `expr:"notBefore"`
	NotAfter    time.Time `expr:"notAfter"`
	// HasLeaf is true where there is a leaf to judge.
	HasLeaf bool `expr:"hasLeaf"`
	// LifetimeSeconds is the leaf's whole validity, LeftSeconds what is left of
	// it at the capture (negative when expired), LeftShare their ratio.
	LifetimeSeconds float64 `expr:"lifetimeSeconds"`
	LeftSeconds     float64 `expr:"leftSeconds"`
	LeftShare       float64 `expr:"leftShare"`
	// EarlySeconds is how far in the future the leaf's validity begins; 0 where it has begun.
	EarlySeconds float64 `expr:"earlySeconds"`
	// Roots are the sha256 fingerprints of its trust roots.
	Roots []string `expr:"roots"`
	// NeededBy are the enrolled pods of this node that run as the identity.
	NeededBy []*Pod `expr:"neededBy"`
	Source   Evidence

	// signers are the mesh's istiods: what keeps them from signing is the cause of what is wrong with it.
	signers []*Istiod
}

// LocalIdentity is an identity that a ztunnel needs for the enrolled pods of
// its node, and the certificates it holds for it.
type LocalIdentity struct {
	Identity string   `expr:"identity"`
	Ztunnel  *Ztunnel `expr:"ztunnel"`
	Pods     []*Pod   `expr:"pods"`
	// OldestSeconds is the age of the pod of these that was created first.
	OldestSeconds float64      `expr:"oldestSeconds"`
	Certificate   *Certificate `expr:"certificate"` // nil where the ztunnel has none; the best where it has several
	signers       []*Istiod
}

// Root is one trust root and the ztunnels that hold it.
type Root struct {
	Fingerprint string     `expr:"fingerprint"`
	Name        string     `expr:"name"` // its certificate's subject
	NotAfter    time.Time  `expr:"notAfter"`
	LeftSeconds float64    `expr:"leftSeconds"`
	Ztunnels    []*Ztunnel `expr:"ztunnels"`
	Identities  int        `expr:"identities"` // certificates that carry it
	// Majority is true of the root that most certificates carry.
	Majority bool `expr:"majority"`
	// Isolated are the certificates with this root that lack the majority's:
	// no connection between them and the rest can be verified.
	Isolated []*Certificate `expr:"isolated"`
	Source   Evidence
}

// RootFact is what a root's certificate says of itself.
type RootFact struct {
	Name     string
	NotAfter time.Time
}

// AddressClash is one address that several workloads of a network claim in the same ztunnel's view.
type AddressClash struct {
	Network   string      `expr:"network"`
	Address   string      `expr:"address"`
	Workloads []*Workload `expr:"workloads"`
	Holders   []*Ztunnel  `expr:"holders"`
	Source    Evidence
}
