package mesh

import (
	"slices"
	"time"
)

// outageCalls is how many failed calls in a row make an outage of a service port that was reached before.
const outageCalls = 5

// servicePort is one port of the pods of a service, or all of them.
type servicePort struct {
	service string
	port    int
	all     bool
}

// joinOutages finds the failures of services that were reached before and
// whose last calls, whoever made them, all failed. Access lines name the pod's
// port and not the service's, so that a service that leads to another port
// than before counts as reached by its former one.
func joinOutages(m *Mesh) {
	lastOK := map[servicePort]time.Time{}
	former := map[string][]servicePort{} // of each service, those that were reached
	failed := map[servicePort][]*Flow{}
	for _, f := range m.Flows {
		if f.Fault = f.fault(); f.Origin != "access-log" || f.Service == "" || f.Class != "" && (f.State == Over || !f.unreached() || f.neverAdmitted()) {
			continue
		}
		for _, key := range []servicePort{{service: f.Service, port: f.Port}, {service: f.Service, all: true}} {
			switch {
			case f.Class != "" && f.Port == 0 && !key.all: // it failed before a pod was chosen
			case f.Class != "":
				failed[key] = append(failed[key], f)
			case lastOK[key].IsZero():
				former[f.Service] = append(former[f.Service], key)
				lastOK[key] = f.Last
			default:
				lastOK[key] = later(lastOK[key], f.Last)
			}
		}
	}
	for key, flows := range failed {
		reached := lastOK[key]
		if reached.IsZero() {
			reached = leftBefore(flows, former[key.service], lastOK)
		}
		if reached.IsZero() || failedSince(flows, reached) < outageCalls {
			continue
		}
		for _, f := range flows {
			f.Outage = f.Outage || f.Last.After(reached)
		}
	}
}

// leftBefore is when a port of the same service was last reached that nobody
// has called since the first of the failures, zero where there is none.
func leftBefore(flows []*Flow, former []servicePort, lastOK map[servicePort]time.Time) time.Time {
	first := slices.MinFunc(flows, func(a, b *Flow) int { return a.First.Compare(b.First) }).First
	for _, key := range former {
		if !key.all && !lastOK[key].After(first) {
			return lastOK[key]
		}
	}
	return time.Time{}
}

// failedSince estimates how many of the failures came after t: those since
// their pair's last success are taken to have come evenly.
func failedSince(flows []*Flow, t time.Time) int {
	n := 0.0
	for _, f := range flows {
		a := f.Aftermath
		switch since, whole := f.Last.Sub(t), f.Last.Sub(a.RunFrom); {
		case since <= 0 || f.OKSince > 0:
		case !f.First.Before(t):
			n += float64(f.Count)
		case a.Run > 0 && !a.RunFrom.Before(t):
			n += float64(a.Run)
		case a.Run > 0 && whole > 0:
			n += float64(a.Run) * since.Seconds() / whole.Seconds()
		}
	}
	return int(n)
}

// unreached is true of failures to reach the destination; what was cut later had reached it.
func (f *Flow) unreached() bool {
	return !slices.Contains([]string{"client-aborted", "server-aborted", "cut-while-closing", "drained", "policy-changed", "recursive-call"}, f.Class)
}

// neverAdmitted is true of denials of a caller that was never let in: others
// may be, and the service is as it was.
func (f *Flow) neverAdmitted() bool {
	return f.Class == "policy-denied" && f.OKBefore+f.OKBetween == 0
}
