package collect

import "time"

// clock tells the cluster's time: the API server's at the start of the run
// and the time that went by since, which any clock can measure.
type clock struct {
	source string // "api-server" or "collector"
	start  time.Time
	began  time.Time
}

func newClock(date, now time.Time) clock {
	if date.IsZero() {
		return clock{source: "collector", start: now.UTC(), began: now}
	}
	return clock{source: "api-server", start: date, began: now}
}

func (c clock) now() time.Time { return c.start.Add(time.Since(c.began)) }

// skew is how far ahead of the cluster's clock a target's Date header is, in
// milliseconds, nil where it had none. A header has whole seconds only.
func (c clock) skew(date time.Time) *int64 {
	if date.IsZero() {
		return nil
	}
	ms := date.Sub(c.now().Truncate(time.Second)).Milliseconds()
	return &ms
}
