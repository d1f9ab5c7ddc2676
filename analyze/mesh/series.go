package mesh

import "fmt"

// Series is one family of ztunnel's TCP counters for one pair of workloads,
// summed over ztunnels and flags. Names are workload names, not pods'.
type Series struct {
	Reporter             string `expr:"reporter"` // "source" or "destination"
	SourceNamespace      string `expr:"sourceNamespace"`
	SourceWorkload       string `expr:"sourceWorkload"`
	SourcePrincipal      string `expr:"sourcePrincipal"`
	DestinationNamespace string `expr:"destinationNamespace"`
	DestinationWorkload  string `expr:"destinationWorkload"`
	DestinationService   string `expr:"destinationService"`
	// MutualTLS is connection_security_policy "mutual_tls".
	MutualTLS bool    `expr:"mutualTls"`
	Opened    float64 `expr:"opened"`
	Failed    float64 `expr:"failed"`
	// BothHBONE is true where every workload of either name is HBONE and captured.
	BothHBONE bool `expr:"bothHbone"`
	// YoungestPodSeconds is the age of the youngest pod of both names: a counter may be older than a pod's enrolment.
	YoungestPodSeconds float64 `expr:"youngestPodSeconds"`
	// OldestZtunnelSeconds is how long that of its ztunnels has run which has run longest.
	OldestZtunnelSeconds float64    `expr:"oldestZtunnelSeconds"`
	Ztunnels             []*Ztunnel `expr:"ztunnels"`
	// Sample and SampleValue are what stands at Source, whose text is made of them when it is asked for.
	Sample      string  `expr:"-"`
	SampleValue float64 `expr:"-"`
	Source      Evidence
}

func (s *Series) Subject() Subject {
	return Subject{Kind: "workload", Namespace: s.DestinationNamespace, Name: s.DestinationWorkload}
}

func (s *Series) Refs() []string { return refs(s.Subject().Key()) }

func (s *Series) Evidence() []Evidence {
	policy := "unknown"
	if s.MutualTLS {
		policy = "mutual_tls"
	}
	at := s.Source
	at.Text = fmt.Sprintf("%s{reporter=%q, %s/%s → %s/%s, connection_security_policy=%q} %v",
		s.Sample, s.Reporter, s.SourceNamespace, s.SourceWorkload, s.DestinationNamespace, s.DestinationWorkload, policy, s.SampleValue)
	return evidence(at)
}

func (s *Series) Gap(string) (*Gap, bool) { return nil, false }
