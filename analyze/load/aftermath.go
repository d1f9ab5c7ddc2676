package load

import (
	"net/netip"
	"time"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// aftermaths tells each failure of one log which calls succeeded after it.
// Failures are judged by the pair of pods where a pod was chosen, by the
// service where none was, and by the caller where its own state is at fault.
type aftermaths struct {
	failures  map[pairKey][]*mesh.Observation
	successes map[pairKey][]*tally
}

// tally is an observation of successes with the failures that wait for one.
type tally struct {
	*mesh.Observation
	waiting []*mesh.Observation
}

// outcome notes one more call at t, before it is counted.
func (o *tally) outcome(t time.Time) {
	if o.Class != "" {
		o.Aftermath.Failed(t, o.Last)
		for _, a := range o.ByService {
			a.Failed(t, o.Last)
		}
		return
	}
	for _, failed := range o.waiting {
		switch {
		case failed.ByService == nil:
			failed.Aftermath.Succeeded(t)
		case failed.ByService[o.Service] != nil:
			failed.ByService[o.Service].Succeeded(t)
		case o.Service != "" && len(failed.ByService) < mostServices:
			a := &mesh.Aftermath{}
			a.Failed(failed.First, failed.First)
			a.Succeeded(t)
			failed.ByService[o.Service] = a
		}
	}
}

// mostServices bounds the services that are told apart for one failure.
const mostServices = 64

// pairKey names what a failure is judged by; the zero values stand for any.
type pairKey struct {
	inbound bool
	source  netip.Addr
	dest    netip.Addr
	service string
}

// mostWaiting bounds the failures of one pair that are followed.
const mostWaiting = 32

func newAftermaths() aftermaths {
	return aftermaths{failures: map[pairKey][]*mesh.Observation{}, successes: map[pairKey][]*tally{}}
}

// open notes a new observation.
func (a *aftermaths) open(k observationKey, o *mesh.Observation) *tally {
	t := &tally{Observation: o}
	if k.class != "" {
		pair := pairOf(k)
		if len(a.failures[pair]) >= mostWaiting {
			return t
		}
		if !k.dest.IsValid() && k.service == "" && !ofSource(k.class) {
			o.ByService = map[string]*mesh.Aftermath{}
		}
		a.failures[pair] = append(a.failures[pair], o)
		for _, good := range a.successes[pair] {
			good.waiting = append(good.waiting, o)
		}
		return t
	}
	for _, pair := range pairsOf(k) {
		t.waiting = append(t.waiting, a.failures[pair]...)
		a.successes[pair] = append(a.successes[pair], t)
	}
	return t
}

// pairOf is what a failure is judged by.
func pairOf(k observationKey) pairKey {
	pair := pairKey{inbound: k.inbound, source: k.source}
	switch {
	case ofSource(k.class):
	case k.dest.IsValid():
		pair.dest = k.dest
	case k.service != "":
		pair.service = k.service
	}
	return pair
}

// ofSource is true of failures for the source's own sake.
func ofSource(c ztunnel.ErrorClass) bool {
	return c == ztunnel.UnknownLocalWorkload || c == ztunnel.IdentityUnavailable
}

// pairsOf are all that a success speaks for.
func pairsOf(k observationKey) []pairKey {
	pairs := []pairKey{{inbound: k.inbound, source: k.source}, {inbound: k.inbound, source: k.source, dest: k.dest}}
	if k.service != "" {
		pairs = append(pairs, pairKey{inbound: k.inbound, source: k.source, service: k.service})
	}
	return pairs
}
