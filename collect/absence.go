package collect

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// settlingTime is how long a refusal is not believed after the API server was
// away: one that has just started denies everything until it has read its roles.
const settlingTime = 30 * time.Second

// settlingPause is the longest between two attempts meanwhile: reading its roles takes a server seconds.
const settlingPause = 2 * time.Second

// goneTime is how long the API server may be away before nothing waits for it
// any more: one that restarts is back by then.
const goneTime = 30 * time.Second

// absence is when the API server could last not be reached, and since when it
// has not answered anything; 0 for never.
type absence struct{ at, since atomic.Int64 }

// met notes what a request to the API server met. It says of a refusal by
// one that was away a moment ago that it may pass, and of one that has been
// away for long that it will not be back.
func (a *absence) met(err error) error {
	now := time.Now()
	switch {
	case broken(err):
		a.at.Store(now.UnixNano())
		a.since.CompareAndSwap(0, now.UnixNano())
		if now.Sub(time.Unix(0, a.since.Load())) > goneTime {
			return goneError{err}
		}
	case isForbidden(err) && a.settling():
		a.answered()
		return settlingError{err}
	case !isTimeout(err):
		a.answered()
	}
	return err
}

// answered notes that the API server is there.
func (a *absence) answered() { a.since.Store(0) }

// goneError is what a request met that is not to be made again.
type goneError struct{ error }

func (e goneError) Error() string {
	return fmt.Sprintf("the API server has not answered for %s: %v", goneTime, e.error)
}

func (e goneError) Unwrap() error { return e.error }

func (a *absence) settling() bool { return time.Since(time.Unix(0, a.at.Load())) < settlingTime }

// settlingError is a refusal that may pass.
type settlingError struct{ error }

func (e settlingError) Unwrap() error { return e.error }

func isSettling(err error) bool {
	var settling settlingError
	return errors.As(err, &settling)
}

// unsettled is the same of a review.
func unsettled(x right) error {
	return settlingError{fmt.Errorf("the right to %s is denied by an API server that was away a moment ago", x)}
}
