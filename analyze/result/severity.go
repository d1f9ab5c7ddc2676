package result

import "slices"

// Severity says how bad a finding is.
type Severity string

const (
	Critical Severity = "critical" // traffic down or a security property lost for many
	Error    Severity = "error"    // for some
	Warning  Severity = "warning"  // will break soon, or degraded
	Notice   Severity = "notice"   // true, and may be meant so
	Hint     Severity = "hint"     // look here
)

// Severities in falling order.
func Severities() []Severity { return []Severity{Critical, Error, Warning, Notice, Hint} }

// AtLeast is true of a severity that is as bad as another, or worse.
func (s Severity) AtLeast(other Severity) bool {
	all := Severities()
	return slices.Index(all, s) <= slices.Index(all, other)
}

// State tells whether a fault is there at the time of capture. It is a plain
// string because rules compare it with one.
type State = string

const (
	Ongoing State = "ongoing" // it goes on
	Over    State = "over"    // it came and went
	Unknown State = "unknown" // nothing happened since that would show it
)
