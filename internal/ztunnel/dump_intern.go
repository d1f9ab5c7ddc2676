package ztunnel

// interner keeps one copy of each string that repeats across elements.
type interner map[string]string

func (in interner) one(s *string) {
	if *s == "" {
		return
	}
	if kept, ok := in[*s]; ok {
		*s = kept
		return
	}
	in[*s] = *s
}

func (in interner) all(list []string) {
	for i := range list {
		in.one(&list[i])
	}
}

func (d *dumpReader) addWorkload(w *Workload, pointer string) {
	w.Pointer = pointer
	for _, s := range []*string{
		&w.UID, &w.Protocol, &w.NetworkMode, &w.Namespace, &w.TrustDomain, &w.ServiceAccount, &w.Network,
		&w.WorkloadName, &w.WorkloadType, &w.CanonicalName, &w.CanonicalRevision, &w.Node, &w.Status, &w.ClusterID,
	} {
		d.seen.one(s)
	}
	d.seen.all(w.AuthorizationPolicies)
	d.seen.all(w.Services)
	if w.Waypoint != nil {
		d.seen.one(&w.Waypoint.Destination)
	}
	if w.Locality != nil {
		d.seen.one(&w.Locality.Region)
		d.seen.one(&w.Locality.Zone)
		d.seen.one(&w.Locality.Subzone)
	}
}

func (d *dumpReader) addService(s *Service, pointer string) {
	s.Pointer = pointer
	for _, t := range []*string{&s.Namespace, &s.IPFamilies, &s.Visibility} {
		d.seen.one(t)
	}
	if s.Waypoint != nil {
		d.seen.one(&s.Waypoint.Destination)
	}
	for key, e := range s.Endpoints {
		d.seen.one(&e.Status)
		// The key is the UID from 1.24 on: one copy serves both.
		if e.WorkloadUID == key {
			e.WorkloadUID = key
		}
		s.Endpoints[key] = e
	}
}

func (d *dumpReader) addPolicy(p *Policy, pointer string) {
	p.Pointer = pointer
	for _, s := range []*string{&p.Namespace, &p.Scope, &p.Action} {
		d.seen.one(s)
	}
}

func (d *dumpReader) addCertificate(c *Certificate, pointer string) {
	c.Pointer = pointer
	for i := range c.RootCerts {
		d.seen.one(&c.RootCerts[i].PEM)
	}
	if n := len(c.CertChain); n > 1 {
		d.seen.one(&c.CertChain[n-1].PEM)
	}
}
