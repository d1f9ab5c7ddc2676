package collect

import (
	"fmt"
	"sync/atomic"
	"time"
)

// settlingTime is how long a refusal is not believed after the API server was
// away: one that has just started denies everything until it has read its roles.
const settlingTime = 30 * time.Second

// absence is when the API server could last not be reached.
type absence struct{ at atomic.Int64 }

// met notes what came of a request to the API server, and says of a refusal
// by one that was away a moment ago that it may pass.
func (a *absence) met(err error) error {
	switch {
	case err == nil:
	case broken(err):
		a.at.Store(time.Now().UnixNano())
	case isForbidden(err) && a.settling():
		return settlingError{err}
	}
	return err
}

func (a *absence) settling() bool { return time.Since(time.Unix(0, a.at.Load())) < settlingTime }

// settlingError is a refusal that may pass.
type settlingError struct{ error }

func (e settlingError) Unwrap() error { return e.error }

// unsettled is the same of a review.
func unsettled(x right) error {
	return settlingError{fmt.Errorf("the right to %s is denied by an API server that was away a moment ago", x)}
}
