package mesh

import (
	"math"
	"time"

	"github.com/zbundle/zbundle/analyze/result"
)

// Aftermath is what one ztunnel's log says of a pair's calls around the
// failures of one kind between them.
type Aftermath struct {
	Between int // calls that succeeded between the first failure and the last
	After   int // calls that succeeded since the last failure
	// NextOK is the first success since the last failure.
	NextOK time.Time
	// Episodes counts failures that came after a run of successes, the first included;
	// LongestQuiet is the longest time that such a run took.
	Episodes     int
	LongestQuiet time.Duration
	// Run counts the failures since the last success, the first of them at RunFrom.
	Run     int
	RunFrom time.Time
}

// episodeRun is how many successes in a row end an episode of failures.
const episodeRun = 10

// Failed notes a failure at t, where the one before it was at last.
func (a *Aftermath) Failed(t, last time.Time) {
	if a.Episodes == 0 {
		a.Episodes = 1
	}
	if a.After >= episodeRun {
		a.Episodes++
		a.LongestQuiet = max(a.LongestQuiet, t.Sub(last))
	}
	if a.After > 0 || a.Run == 0 {
		a.Run, a.RunFrom = 0, t
	}
	a.Run++
	a.Between += a.After
	a.After, a.NextOK = 0, time.Time{}
}

// Succeeded notes a success at t.
func (a *Aftermath) Succeeded(t time.Time) {
	if a.After == 0 {
		a.NextOK = t
	}
	a.After++
}

// merge takes what another log says of the same failures: each sees its own
// calls, of which the better informed counts.
func (a *Aftermath) merge(b Aftermath) {
	if b.After > a.After {
		a.After, a.NextOK = b.After, b.NextOK
	}
	if a.Run == 0 || b.Run > 0 && b.RunFrom.After(a.RunFrom) {
		a.Run, a.RunFrom = b.Run, b.RunFrom
	}
	a.Between = max(a.Between, b.Between)
	a.Episodes = max(a.Episodes, b.Episodes)
	a.LongestQuiet = max(a.LongestQuiet, b.LongestQuiet)
}

// State tells whether a fault is there at the time of capture.
type State = result.State

const (
	Ongoing = result.Ongoing
	Over    = result.Over
	Unknown = result.Unknown
)

const (
	// recentFailure is how long before the capture a failure is of the present.
	recentFailure = time.Minute
	// doubt is how likely at most a fault that goes on would not have shown in
	// the calls since: then it is over.
	doubt = 0.01
	// flapping is from how many episodes on a fault is one that comes and goes.
	flapping = 3
)

// state judges failures, so many of them, the last of which was so long ago.
func (a Aftermath) state(failures int, ago time.Duration) State {
	switch {
	case ago <= recentFailure:
		return Ongoing
	case a.After == 0:
		return Unknown
	case a.Episodes >= flapping && ago <= 2*a.LongestQuiet:
		return Ongoing
	}
	// One call more that might have gone well keeps a single failure from being taken for all.
	rate := float64(failures) / float64(failures+a.Between+1)
	if math.Pow(1-rate, float64(a.After)) > doubt {
		return Ongoing
	}
	return Over
}
