package mesh

import "slices"

// Lacking are the ztunnels that do not hold the workload as the others do.
func (w *Workload) Lacking() []*Ztunnel { return slices.Concat(w.MissingFrom, w.DiffersOn) }

// Lacking are the ztunnels that do not hold the service, or no endpoint of it.
func (s *Service) Lacking() []*Ztunnel { return slices.Concat(s.MissingFrom, s.Empty) }

// Lacking are the ztunnels that do not hold the policy, or were told of one that they do not know.
func (p *Policy) Lacking() []*Ztunnel { return slices.Concat(p.MissingFrom, p.Unknown) }
