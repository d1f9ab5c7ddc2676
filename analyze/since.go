package analyze

import (
	"fmt"
	"slices"
	"time"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// outcomes sums what became of the calls between the ends of some failures.
type outcomes struct {
	failed, before, between, after int
	first, last                    time.Time
	cut                            bool // a log that began with a failure: it may have failed for longer
	hidden                         bool // a log whose level leaves successes out
}

// since says of failed calls since when, and how many worked: "every call to
// shop/db has failed since 23:46:40, 26 of 26; before, 412 worked". It is ""
// for hits on anything else.
func since(hits []*hit) string {
	flows := failures(hits)
	if len(flows) == 0 {
		return ""
	}
	o := sum(flows)
	from, to := ends(flows)
	captured := hits[0].matter.of.Captured
	at := clock(o.first, captured)
	if o.cut {
		at = "at least " + at
	}
	calls, all := o.failed+o.between+o.after, from+to
	switch {
	case o.hidden:
		return fmt.Sprintf("%s%s failed since %s; the log level hides those that worked", countOf(o.failed, "call"), all, at)
	case o.between+o.after > 0:
		text := fmt.Sprintf("%d of %s%s failed since %s, the last at %s", o.failed, countOf(calls, "call"), all, at, clock(o.last, captured))
		if o.after > 0 {
			text += fmt.Sprintf("; since then %d worked", o.after)
		}
		return text
	case o.before > 0:
		return fmt.Sprintf("every call%s has failed since %s, %d of %d; before, %d worked", all, at, o.failed, o.failed, o.before)
	}
	return fmt.Sprintf("every call%s has failed since %s, %d of %d", all, at, o.failed, o.failed)
}

// failures are the failed flows of access logs among the hits' items, each once.
func failures(hits []*hit) []*mesh.Flow {
	var out []*mesh.Flow
	seen := map[*mesh.Flow]bool{}
	for _, h := range hits {
		f, ok := h.matter.item.(*mesh.Flow)
		if !ok || f.Class == "" || f.Origin != "access-log" {
			return nil
		}
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}

// sum counts each pair's successes once, however many kinds of failure it has.
func sum(flows []*mesh.Flow) outcomes {
	type pair struct{ source, destination, service string }
	o := outcomes{first: flows[0].First, last: flows[0].Last}
	by := map[pair][]*mesh.Flow{}
	for _, f := range flows {
		k := pair{f.Source.Subject().Key(), f.Destination.Subject().Key(), ""}
		if f.Destination.Address == "" {
			k.service = f.Service
		}
		by[k] = append(by[k], f)
		o.failed += f.Count
		if f.First.Before(o.first) {
			o.first = f.First
		}
		if f.Last.After(o.last) {
			o.last = f.Last
		}
	}
	for _, of := range by {
		first := slices.MinFunc(of, func(a, b *mesh.Flow) int { return a.First.Compare(b.First) })
		last := slices.MaxFunc(of, func(a, b *mesh.Flow) int { return a.Last.Compare(b.Last) })
		worked := first.OKBefore + first.OKBetween + first.OKSince
		o.before += first.OKBefore
		o.after += last.OKSince
		o.between += max(0, worked-first.OKBefore-last.OKSince)
		if z := observer(first); z != nil {
			o.hidden = o.hidden || !z.AccessLogOn
			o.cut = o.cut || !z.LogFrom.IsZero() && first.OKBefore == 0 && first.First.Equal(o.first) && first.First.Sub(z.LogFrom) < time.Second
		}
	}
	return o
}

// observer is the ztunnel whose log tells of the flow.
func observer(f *mesh.Flow) *mesh.Ztunnel {
	if f.AtSource {
		return f.Source.Ztunnel
	}
	return f.Destination.Ztunnel
}

// ends say from whom and to whom the calls were: " of shop/web", " to shop/db".
func ends(flows []*mesh.Flow) (from, to string) {
	callers, called := map[string]bool{}, map[string]bool{}
	for _, f := range flows {
		callers[nameOf(f.Source)] = true
		called[destinationOf(f)] = true
	}
	if !slices.ContainsFunc(flows, func(f *mesh.Flow) bool { return !f.Outage }) {
		from = "" // nobody else's works either
	} else if from = " of " + nameOf(flows[0].Source); len(callers) > 1 {
		from = " of " + countOf(len(callers), "caller")
	}
	if to = " to " + destinationOf(flows[0]); len(called) > 1 {
		to = " to " + countOf(len(called), "destination")
	}
	return from, to
}

func nameOf(p *mesh.Peer) string {
	if p.Name == "" {
		return p.Address
	}
	return p.Namespace + "/" + p.Name
}

// destinationOf is the service where one was called, else the pod, else what was dialled.
func destinationOf(f *mesh.Flow) string {
	switch {
	case f.Called != nil:
		return f.Called.Namespace + "/" + f.Called.Name
	case f.Service != "":
		return f.Service
	case f.Destination.Name != "" || f.Destination.Address != "":
		return nameOf(f.Destination)
	}
	return f.Target
}

// clock is a time of the captured day without its date.
func clock(t, captured time.Time) string {
	t, captured = t.UTC(), captured.UTC()
	if t.Format(time.DateOnly) == captured.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
