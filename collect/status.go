package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/zbundle/zbundle/bundle"
)

// notReadyError is the cause for targets that can't be asked yet or any more.
type notReadyError struct{ reason string }

func (e notReadyError) Error() string { return e.reason }

// statusError is an answer of a target other than the one hoped for.
type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("it answered %d %s: %s", e.code, http.StatusText(e.code), e.body)
}

// outcome tells how a task ended, in the words of the manifest. ctx is the
// run's, timeout the request's own deadline.
func outcome(ctx context.Context, err error, timeout time.Duration) (bundle.Status, string) {
	var api *apiError
	var tunnel *tunnelRefusedError
	var denied *forbiddenError
	var answer *statusError
	var notReady notReadyError
	switch {
	case err == nil:
		return bundle.StatusOK, ""
	case errors.Is(err, errAbsent):
		return bundle.StatusAbsent, "this cluster does not serve it"
	case errors.Is(context.Cause(ctx), ErrInterrupted):
		return bundle.StatusCancelled, "the collection was interrupted"
	case errors.Is(context.Cause(ctx), errRunTimeout):
		return bundle.StatusTimeout, "the run's time was up (raise --timeout)"
	case errors.As(err, &notReady):
		return bundle.StatusNotReady, notReady.reason
	case errors.As(err, &denied):
		return bundle.StatusForbidden, oneLine(err.Error(), 300)
	case errors.As(err, &api) && api.code == http.StatusNotFound && api.kind == "pods":
		return bundle.StatusNotReady, "the pod is gone: " + api.message
	case errors.As(err, &tunnel) && errors.As(err, &api):
		status, _ := apiOutcome(api)
		return status, oneLine(err.Error(), 300) // which says what the port-forward was to
	case errors.As(err, &api):
		return apiOutcome(api)
	case errors.As(err, &answer) && answer.code == http.StatusForbidden:
		return bundle.StatusForbidden, oneLine(err.Error(), 300)
	case isTimeout(err):
		return bundle.StatusTimeout, timedOut(err, timeout)
	case diskFull(err):
		return bundle.StatusFailed, "the disk is full"
	case broken(err):
		return bundle.StatusTruncated, "the answer broke off: " + oneLine(err.Error(), 250)
	}
	return bundle.StatusFailed, oneLine(err.Error(), 300)
}

func apiOutcome(e *apiError) (bundle.Status, string) {
	switch e.code {
	case http.StatusForbidden, http.StatusUnauthorized:
		return bundle.StatusForbidden, e.message
	case http.StatusNotFound:
		return bundle.StatusAbsent, cmp.Or(e.message, "the API server has no such thing")
	case http.StatusGatewayTimeout:
		return bundle.StatusTimeout, e.Error()
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return bundle.StatusNotReady, e.Error()
	}
	return bundle.StatusFailed, e.Error()
}

// fatal is true of errors that no further task can succeed after: the bundle
// itself can't be written.
func fatal(err error) bool {
	var path *os.PathError
	return diskFull(err) || errors.As(err, &path)
}

// diskFull is true where there is no more room, or none that this user may take.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func timedOut(err error, timeout time.Duration) string {
	var silence *silenceError
	if errors.As(err, &silence) {
		return silence.what
	}
	return fmt.Sprintf("no whole answer within %s", timeout)
}
