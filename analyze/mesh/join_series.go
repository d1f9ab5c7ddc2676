package mesh

// joinSeries tells of each pair of workload names whether all of its pods are
// HBONE and captured, so that plain text between them is a contradiction.
func joinSeries(m *Mesh) {
	byName := map[string][]*Workload{}
	for _, w := range m.Workloads {
		if w.Spec != nil && w.Kind == "Pod" {
			byName[w.Namespace+"/"+w.Spec.WorkloadName] = append(byName[w.Namespace+"/"+w.Spec.WorkloadName], w)
		}
	}
	type pods struct {
		captured bool
		youngest float64 // 0 where it is not known
	}
	of := make(map[string]pods, len(byName))
	for name, ws := range byName {
		p := pods{captured: allCaptured(ws)}
		for _, w := range ws {
			if w.Pod != nil {
				p.youngest = younger(p.youngest, w.Pod.AgeSeconds)
			}
		}
		of[name] = p
	}
	for _, s := range m.Series {
		src, dst := of[s.SourceNamespace+"/"+s.SourceWorkload], of[s.DestinationNamespace+"/"+s.DestinationWorkload]
		s.BothHBONE = src.captured && dst.captured
		s.YoungestPodSeconds = younger(src.youngest, dst.youngest)
		for _, z := range s.Ztunnels {
			s.OldestZtunnelSeconds = max(s.OldestZtunnelSeconds, z.UpSeconds)
		}
	}
}

// younger is the lesser of two ages, of which 0 is none.
func younger(a, b float64) float64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func allCaptured(ws []*Workload) bool {
	for _, w := range ws {
		if !w.HBONE || !w.Captured || w.Spec.NativeTunnel || w.Pod == nil || w.Pod.Sidecar || w.Pod.Component != "" {
			return false
		}
	}
	return true
}

// joinPlainSeries adds the plain text between captured HBONE workloads that only
// the counters tell of: access lines may be off, or rotated away.
func joinPlainSeries(m *Mesh) {
	type pair struct{ source, destination string }
	logged := map[pair]bool{}
	for _, f := range m.Flows {
		if f.Class == "" && !f.HBONE {
			logged[pair{workloadName(f.Source), workloadName(f.Destination)}] = true
		}
	}
	for _, s := range m.Series {
		k := pair{s.SourceNamespace + "/" + s.SourceWorkload, s.DestinationNamespace + "/" + s.DestinationWorkload}
		if s.MutualTLS || !s.BothHBONE || s.Opened == 0 || logged[k] {
			continue
		}
		logged[k] = true
		m.Flows = append(m.Flows, &Flow{
			Source:      &Peer{Namespace: s.SourceNamespace, Name: s.SourceWorkload, HBONE: true, Captured: true},
			Destination: &Peer{Namespace: s.DestinationNamespace, Name: s.DestinationWorkload, HBONE: true, Captured: true},
			Service:     known(s.DestinationService), Origin: "metrics", Count: int(s.Opened), Ztunnels: s.Ztunnels,
			AtSource: s.Reporter == "source", AtDestination: s.Reporter == "destination",
			YoungestPodSeconds: s.YoungestPodSeconds, OldestZtunnelSeconds: s.OldestZtunnelSeconds, Evidences: s.Evidence(),
		})
	}
}

// known is a label's value, "" for ztunnel's "unknown".
func known(v string) string {
	if v == "unknown" {
		return ""
	}
	return v
}

// workloadName is how metrics name a peer: by its controller.
func workloadName(p *Peer) string {
	if p.Workload != nil && p.Workload.Spec != nil {
		return p.Namespace + "/" + p.Workload.Spec.WorkloadName
	}
	return p.Namespace + "/" + p.Name
}
