package mesh

import (
	"strings"
	"time"
)

// XDSStream is what istiod says of one resource type that it sends to one ztunnel.
type XDSStream struct {
	Istiod  *Istiod  `expr:"istiod"`
	Ztunnel *Ztunnel `expr:"ztunnel"` // nil where no such pod is in the bundle
	Proxy   string   `expr:"proxy"`   // "<pod>.<namespace>"
	// Type is "WDS" (workloads and services) or "WADS" (policies).
	Type   string `expr:"type"`
	Sent   string `expr:"sent"`
	Acked  string `expr:"acked"`
	SentAt time.Time
	// SentSeconds is how long before the capture it was sent.
	SentSeconds float64 `expr:"sentSeconds"`
	LastError   string  `expr:"lastError"`
	// Nacks counts the rejections that the ztunnel's own log shows.
	Nacks int `expr:"nacks"`
	// settled is set where what it had not acknowledged at the first look it had at the second.
	settled *Change
	// Pushes are how many resources each of istiod's logged answers to a (re)connection held, oldest first.
	Pushes     []int `expr:"pushes"`
	Source     Evidence
	NackSource Evidence
}

func (x *XDSStream) Subject() Subject {
	if x.Ztunnel != nil {
		return x.Ztunnel.Subject()
	}
	name, ns, _ := strings.Cut(x.Proxy, ".")
	return podSubject(ns, name, "")
}

func (x *XDSStream) Refs() []string {
	if x.Ztunnel != nil {
		return x.Ztunnel.Refs()
	}
	return refs(x.Subject().Key())
}

func (x *XDSStream) Evidence() []Evidence    { return evidence(x.NackSource, x.Source) }
func (x *XDSStream) Gap(string) (*Gap, bool) { return nil, false }
