package mesh

// joinTargetablePolicies finds the Envoys that each policy attaches to.
func joinTargetablePolicies(m *Mesh, all []*TargetablePolicy, readers *ruleReaders) {
	for _, p := range all {
		if len(p.TargetRefs) > 0 {
			readers.targets(p)
		} else {
			attach(m, p)
		}
	}
}

// targets counts what is behind the policy's targetRefs. Of all but services it is taken to be there.
func (r *ruleReaders) targets(p *TargetablePolicy) {
	for _, ref := range p.TargetRefs {
		s := r.services[p.Namespace+"/"+ref.Name]
		if ref.Kind != "Service" || s == nil {
			p.Readers++
			continue
		}
		if _, through := throughWaypoint(s); through {
			p.Readers++
		} else if r.captured(s) {
			p.Bare = append(p.Bare, s)
		}
	}
}

// attach sorts the pods that the policy selects by what reads it there.
func attach(m *Mesh, p *TargetablePolicy) {
	for _, pod := range m.Pods {
		if !pod.Running || !m.inScope(p.Namespace, pod) || !selects(p.Selector, pod.Labels) {
			continue
		}
		switch {
		case pod.Component == "waypoint" && !p.wide():
			p.Waypoints = append(p.Waypoints, pod)
		case pod.Component == "waypoint", pod.Component == "gateway", pod.Sidecar:
			p.Readers++
		case pod.Enrolled:
			p.SelectsEnrolled++
		}
	}
	if !p.wide() {
		return
	}
	for _, s := range m.Services {
		if _, through := throughWaypoint(s); through && s.Namespace == p.Namespace {
			p.Readers++
		}
	}
}
