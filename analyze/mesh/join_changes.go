package mesh

import (
	"slices"
	"strings"
)

// joinChanges finds what changed between the two looks at istiod and at the pods.
func joinChanges(m *Mesh) {
	m.changes = changes{}
	for _, p := range m.PodChanges {
		what := deleted
		if p.Created {
			what = created
		}
		m.changes.note(podSubject(p.Namespace, p.Name, ""), what+", by the lists of pods", p.Source)
	}
	for _, i := range m.Istiods {
		if i.After == nil {
			continue
		}
		by := ", by istiod " + i.Name
		if i.Workloads != nil && i.After.Workloads != nil {
			changedWorkloads(m, by, i.Workloads.Specs, i.After.Workloads.Specs)
		}
		if i.Services != nil && i.After.Services != nil {
			between(i.Services.Specs, i.After.Services.Specs, sameService, func(s *ServiceSpec, what string) {
				m.changes.note(Subject{Kind: "service", Namespace: s.Namespace, Name: serviceName(s)}, what+by, s.Source)
			})
		}
		if i.Policies != nil && i.After.Policies != nil {
			between(i.Policies.Specs, i.After.Policies.Specs, samePolicy, func(p *PolicySpec, what string) {
				m.changes.note(Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: p.Name}, what+by, p.Source)
			})
		}
	}
}

// changedWorkloads notes those that one look has and the other has not, or has in another form.
func changedWorkloads(m *Mesh, by string, before, after map[string]*WorkloadSpec) {
	for _, uid := range sortedKeys(before) {
		if a, b := before[uid], after[uid]; b != nil {
			if fields := differences(a, b); len(fields) > 0 {
				m.changes.note(newWorkload(m, uid).Subject(), changed+": "+strings.Join(fields, ", ")+by, b.Source)
			}
		}
	}
	same := func(*WorkloadSpec, *WorkloadSpec) bool { return true }
	between(before, after, same, func(w *WorkloadSpec, what string) {
		m.changes.note(newWorkload(m, w.UID).Subject(), what+by, w.Source)
	})
}

// between goes through what only one of two looks has, or both in another form.
func between[T any](before, after map[string]*T, same func(a, b *T) bool, fn func(spec *T, what string)) {
	for _, key := range sortedKeys(before) {
		switch b := after[key]; {
		case b == nil:
			fn(before[key], deleted)
		case !same(before[key], b):
			fn(b, changed)
		}
	}
	for _, key := range sortedKeys(after) {
		if before[key] == nil {
			fn(after[key], created)
		}
	}
}

func sameService(a, b *ServiceSpec) bool {
	return slices.Equal(a.VIPs, b.VIPs) && a.Waypoint == b.Waypoint && a.LBMode == b.LBMode && a.HealthPolicy == b.HealthPolicy
}

func samePolicy(a, b *PolicySpec) bool {
	return a.Action == b.Action && a.Scope == b.Scope && a.RuleCount == b.RuleCount && a.DryRun == b.DryRun
}

func serviceName(s *ServiceSpec) string {
	if s.Name != "" {
		return s.Name
	}
	name, _, _ := strings.Cut(s.Hostname, ".")
	return name
}
