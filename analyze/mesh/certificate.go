package mesh

import (
	"strings"
	"time"
)

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

func identityKey(id string) string { return Subject{Kind: "identity", Name: id}.Key() }

func identitySubject(id, node string) Subject {
	return Subject{Kind: "identity", Name: id, Node: node}
}

func (c *Certificate) Subject() Subject {
	return identitySubject(c.Identity, c.Ztunnel.NodeName).Of(c.Ztunnel.Cluster)
}

func (c *Certificate) Refs() []string {
	keys := []string{identityKey(c.Identity), c.Ztunnel.Subject().Key(), nodeKey(c.Ztunnel.NodeName)}
	keys = append(keys, keysOf(c.NeededBy)...)
	keys = append(keys, keysOf(c.signers)...)
	return refs(keys...)
}

func (c *Certificate) Evidence() []Evidence { return evidence(c.Source) }

func (c *Certificate) Gap(input string) (*Gap, bool) {
	return nil, false
}

// identityIn is the key of the first SPIFFE id in a text, "" where it holds none.
func identityIn(text string) string {
	at := strings.Index(text, "spiffe://")
	if at < 0 {
		return ""
	}
	id := text[at:]
	if end := strings.IndexAny(id, "\"', )]"); end >= 0 {
		id = id[:end]
	}
	return identityKey(id)
}
