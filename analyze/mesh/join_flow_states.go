package mesh

import "time"

// flowPair is what a failure is judged by: the destination pod where one was
// chosen, the service where none was, and the source alone where its own state
// is at fault.
type flowPair struct{ source, destination, service string }

func (f *Flow) judgedBy() flowPair {
	pair := flowPair{source: f.Source.subjectKey()}
	switch {
	case f.Class == "unknown-local-workload", f.Class == "identity-unavailable":
	case f.Destination.Address == "" && f.Service != "":
		pair.service = f.Service
	default:
		pair.destination = f.Destination.subjectKey()
	}
	return pair
}

// statePairs are all that a successful flow speaks for.
func (f *Flow) statePairs() []flowPair {
	source := f.Source.subjectKey()
	pairs := []flowPair{{source: source}, {source: source, destination: f.Destination.subjectKey()}}
	if f.Service != "" {
		pairs = append(pairs, flowPair{source: source, service: f.Service})
	}
	return pairs
}

// settleStates tells of each failure whether it goes on. Logs that were read
// apart (a container's previous one, the other end's) count only with the
// successes that all came later.
func (j *flowJoin) settleStates(failures, good []*Flow) {
	by := map[flowPair][]*Flow{}
	for _, f := range failures {
		by[f.judgedBy()] = append(by[f.judgedBy()], f)
	}
	later := map[*Flow]Aftermath{}
	for _, g := range good {
		if g.Origin != "access-log" {
			continue
		}
		for _, pair := range g.statePairs() {
			for _, f := range by[pair] {
				f.OKBefore += g.Count
				if a := later[f]; g.First.After(f.Last) {
					if a.After == 0 || g.First.Before(a.NextOK) {
						a.NextOK = g.First
					}
					a.After += g.Count
					later[f] = a
				}
			}
		}
	}
	for _, f := range failures {
		f.Aftermath.merge(later[f])
		f.OKBetween, f.OKSince = f.Aftermath.Between, f.Aftermath.After
		f.OKBefore = max(0, f.OKBefore-f.OKBetween-f.OKSince)
		f.During = duringEvent(f)
		f.State = j.stateOf(f)
	}
}

func (j *flowJoin) stateOf(f *Flow) State {
	switch {
	case f.Origin != "access-log":
		return Ongoing // connections that are open now
	case f.Destination.Gone, j.sourceGone(f), f.During != "" && f.OKSince > 0:
		return Over
	}
	state := f.Aftermath.state(f.Count, j.mesh.Captured.Sub(f.Last))
	if state == Unknown && f.restartedSince() {
		return Over
	}
	return state
}

// restartedSince is true where an end's container, or its ztunnel, began anew
// after the last of the failures: what they came of is not there any more.
func (f *Flow) restartedSince() bool {
	for _, end := range []*Peer{f.Source, f.Destination} {
		if z := end.Ztunnel; z != nil && z.StartedAt.After(f.Last) {
			return true
		}
		if end.Pod == nil {
			continue
		}
		for _, c := range end.Pod.Containers {
			if c.Restarts > 0 && c.StartedAt.After(f.Last) {
				return true
			}
		}
	}
	return false
}

// sourceGone is true where the caller was a pod of its ztunnel's node, and nothing has its name or address now.
func (j *flowJoin) sourceGone(f *Flow) bool {
	s := f.Source
	return s.Gone || f.AtSource && len(j.mesh.Pods) > 0 && s.Name == "" && s.Pod == nil && s.Workload == nil && !s.NodeAddress
}

// aroundEvent is how long before and after a pod's or a ztunnel's start or end
// failures are a part of it: endpoints and certificates take seconds to arrive.
const aroundEvent = 10 * time.Second

// duringEvent names the event that all failures of a flow are a part of, "" for none.
func duringEvent(f *Flow) string {
	for _, end := range []*Peer{f.Destination, f.Source} {
		if end.Gone && f.Last.Sub(f.First) <= aroundEvent {
			return "the end of pod " + end.Namespace + "/" + end.Name
		}
		if z := end.Ztunnel; z != nil && within(f, z.StartedAt.Add(-3*aroundEvent), z.StartedAt.Add(aroundEvent)) {
			return "the start of ztunnel " + z.Name
		}
		if p := end.Pod; p != nil && within(f, p.Created, later(p.Created, p.Started, p.ReadySince).Add(aroundEvent)) {
			return "the start of pod " + p.Namespace + "/" + p.Name
		}
	}
	return ""
}

// within is true of a flow that is all of it between two times that are known.
func within(f *Flow, from, to time.Time) bool {
	return from.After(time.Time{}.Add(time.Hour)) && !f.First.Before(from) && !f.Last.After(to)
}

// later is the latest of some times.
func later(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
