package mesh

import "time"

// PeerAuth is an Istio PeerAuthentication.
type PeerAuth struct {
	Created    time.Time `expr:"created"`
	Namespace  string    `expr:"namespace"`
	Name       string    `expr:"name"`
	AgeSeconds float64   `expr:"ageSeconds"`
	// Mode is "STRICT", "PERMISSIVE", "DISABLE" or, for one inherited, "UNSET"; PortModes are those of single ports.
	Mode      string            `expr:"mode"`
	PortModes map[string]string `expr:"portModes"`
	// Selector is spec.selector.matchLabels; nil selects the whole namespace.
	Selector map[string]string `expr:"selector"`
	// SelectsEnrolled counts the enrolled pods that it selects.
	SelectsEnrolled int `expr:"selectsEnrolled"`
	Source          Evidence
}

func (p *PeerAuth) Subject() Subject {
	return Subject{Kind: "peerauthentication", Namespace: p.Namespace, Name: p.Name}
}

func (p *PeerAuth) Refs() []string          { return refs(p.Subject().Key()) }
func (p *PeerAuth) Evidence() []Evidence    { return evidence(p.Source) }
func (p *PeerAuth) Gap(string) (*Gap, bool) { return nil, false }
