package mesh

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

func (l *LocalIdentity) Subject() Subject {
	return identitySubject(l.Identity, l.Ztunnel.NodeName).Of(l.Ztunnel.Cluster)
}

func (l *LocalIdentity) Refs() []string {
	keys := []string{identityKey(l.Identity), l.Ztunnel.Subject().Key(), nodeKey(l.Ztunnel.NodeName)}
	keys = append(keys, keysOf(l.Pods)...)
	keys = append(keys, keysOf(l.signers)...)
	return refs(keys...)
}

func (l *LocalIdentity) Evidence() []Evidence {
	es := []Evidence{}
	if len(l.Pods) > 0 {
		es = append(es, l.Pods[0].Source)
	}
	if l.Certificate != nil {
		es = append(es, l.Certificate.Source)
	} else {
		es = append(es, l.Ztunnel.CertificateList.Source)
	}
	return evidence(es...)
}

func (l *LocalIdentity) Gap(input string) (*Gap, bool) {
	return ztunnelGap(l.Ztunnel, l.Ztunnel.NodeName, input)
}
