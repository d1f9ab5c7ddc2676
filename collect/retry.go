package collect

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/zbundle/zbundle/bundle"
)

// Bounds of trying again: an API server that restarts is back within them, and
// one that is down for good costs no more than them.
const (
	maxAttempts    = 6
	firstPause     = 200 * time.Millisecond
	longestPause   = 10 * time.Second
	pauseGrowth    = 3
	targetAttempts = 3 // of what one pod has to answer
)

// retry does again what failed for a passing reason, with growing pauses,
// until it succeeds, fails for good, or ctx has no time for another attempt.
func retry(ctx context.Context, attempts int, do func() error) error {
	pause := firstPause
	var before error
	for attempt := 1; ; attempt++ {
		err := do()
		if before != nil && ctx.Err() != nil && err != nil {
			return before // that it was tried again until its time was up is no cause
		}
		if err == nil || attempt >= attemptsAfter(err, attempts) || !passing(err) {
			return err
		}
		before = err
		wait := pause
		var answer *apiError
		if errors.As(err, &answer) && answer.retryAfter > 0 {
			wait = min(answer.retryAfter, longestPause)
		}
		if isSettling(err) {
			wait = min(wait, settlingPause)
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause = min(pause*pauseGrowth, longestPause)
	}
}

// attemptsAfter is how often to try what met err, of so many attempts: a
// server that answers, and does not say that it is busy, will hardly answer
// otherwise. One that has just come back has its time, and no count.
func attemptsAfter(err error, attempts int) int {
	if isSettling(err) {
		return math.MaxInt
	}
	var answer *apiError
	if errors.As(err, &answer) && answer.code != http.StatusTooManyRequests && answer.code != http.StatusServiceUnavailable {
		return min(attempts, targetAttempts)
	}
	return attempts
}

// passing is true of errors that the same request may not meet again.
func passing(err error) bool {
	var api *apiError
	var refused *tunnelRefusedError
	var status *statusError
	var gone goneError
	switch {
	case errors.As(err, &gone):
		return false
	case isSettling(err):
		return true
	case errors.As(err, &refused):
		return refused.code == http.StatusTooManyRequests || refused.code == http.StatusServiceUnavailable
	case errors.As(err, &api):
		return passingCode(api.code)
	case errors.As(err, &status):
		return passingCode(status.code)
	case isTimeout(err), errors.Is(err, context.Canceled), errors.Is(err, bundle.ErrSyntax):
		return false // the time that there was has been spent, or the answer is whole
	}
	return broken(err)
}

func passingCode(code int) bool {
	switch code {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// broken is true of connections that were cut or could not be made.
func broken(err error) bool {
	for _, cut := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, net.ErrClosed, errTunnel} {
		if errors.Is(err, cut) {
			return true
		}
	}
	return false
}

// retryAfter is the pause that an answer asks for, 0 where it asks for none.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
