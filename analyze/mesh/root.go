package mesh

import "time"

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

func (r *Root) Subject() Subject { return Subject{Kind: "root", Name: r.Fingerprint} }

func (r *Root) Refs() []string {
	keys := []string{r.Subject().Key()}
	keys = append(keys, keysOf(r.Ztunnels)...)
	return refs(keys...)
}

func (r *Root) Evidence() []Evidence    { return evidence(r.Source) }
func (r *Root) Gap(string) (*Gap, bool) { return nil, false }
