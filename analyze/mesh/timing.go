package mesh

import "time"

// Timing is when a fact was seen, how often, and whether it still holds.
type Timing struct {
	State       State
	First, Last time.Time
	Count       int
}

// Timing of the failures that the flow stands for.
func (f *Flow) Timing() Timing {
	return Timing{State: f.State, First: f.First, Last: f.Last, Count: f.Count}
}

// Timing of a log line: it is of the present where it stands in the last
// minute, or recurs and is not overdue. What no line tells of any more may be over or not.
func (l *Log) Timing() Timing {
	t := Timing{State: Unknown, First: l.First, Last: l.Last, Count: l.Count}
	overdue := recentFailure.Seconds()
	if l.Count > 1 {
		overdue = max(overdue, 2*l.SpanSeconds/float64(l.Count-1))
	}
	if l.LastSeconds <= overdue {
		t.State = Ongoing
	}
	return t
}

// recentEvent is how long Kubernetes may leave a recurring event uncounted:
// kubelet backs off for five minutes.
const recentEvent = 5 * time.Minute

// Timing of an event.
func (e *Event) Timing() Timing {
	t := Timing{State: Unknown, Last: e.Last, Count: e.Count}
	if e.AgeSeconds <= recentEvent.Seconds() {
		t.State = Ongoing
	}
	return t
}
