package mesh

// AddressClash is one address that several workloads of a network claim in the same ztunnel's view.
type AddressClash struct {
	Network   string      `expr:"network"`
	Address   string      `expr:"address"`
	Workloads []*Workload `expr:"workloads"`
	Holders   []*Ztunnel  `expr:"holders"`
	Source    Evidence
}

func (a *AddressClash) Subject() Subject {
	return Subject{Kind: "address", Namespace: a.Network, Name: a.Address}
}

func (a *AddressClash) Refs() []string {
	keys := []string{a.Subject().Key()}
	keys = append(keys, keysOf(a.Workloads)...)
	return refs(keys...)
}

func (a *AddressClash) Evidence() []Evidence    { return evidence(a.Source) }
func (a *AddressClash) Gap(string) (*Gap, bool) { return nil, false }
