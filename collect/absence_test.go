package collect

import (
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestARefusalIsBelievedUnlessTheServerWasAwayAMomentAgo(t *testing.T) {
	cut := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	refused := &apiError{code: http.StatusForbidden, message: `pods is forbidden: User "alice" cannot list resource "pods"`}
	for name, test := range map[string]struct {
		before error
		met    error
		again  bool
	}{
		"refused":                         {nil, refused, false},
		"refused after it was away":       {cut, refused, true},
		"refused after another refusal":   {refused, refused, false},
		"not found after it was away":     {cut, &apiError{code: http.StatusNotFound}, false},
		"away":                            {nil, cut, true},
		"its way to a node is not there":  {&tunnelRefusedError{&apiError{code: http.StatusInternalServerError, message: "error dialing backend: connect: connection refused"}}, refused, false},
		"port-forward after it was away":  {cut, fmt.Errorf("port-forward to pod a/b: %w", &tunnelRefusedError{refused}), true},
		"port-forward without such cause": {nil, fmt.Errorf("port-forward to pod a/b: %w", &tunnelRefusedError{refused}), false},
	} {
		t.Run(name, func(t *testing.T) {
			var a absence
			if test.before != nil {
				_ = a.met(test.before)
			}
			if got := passing(a.met(test.met)); got != test.again {
				t.Errorf("to be tried again: %v, want %v", got, test.again)
			}
		})
	}
	var long absence
	long.at.Store(time.Now().Add(-2 * settlingTime).UnixNano())
	if long.settling() {
		t.Errorf("it is not believed %s after it was back", 2*settlingTime)
	}
}

func TestAServerThatStaysAwayIsGivenUpOn(t *testing.T) {
	cut := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	var a absence
	if err := a.met(cut); !passing(err) {
		t.Errorf("at first it is not tried again: %v", err)
	}
	a.since.Store(time.Now().Add(-2 * goneTime).UnixNano())
	switch err := a.met(cut); {
	case passing(err):
		t.Errorf("it is still tried again after %s", 2*goneTime)
	case err.Error() != "the API server has not answered for 30s: "+cut.Error():
		t.Errorf("it says %q", err)
	}
	for name, answer := range map[string]func(){
		"an answer":     a.answered,
		"a refusal":     func() { _ = a.met(&apiError{code: http.StatusForbidden}) },
		"no such thing": func() { _ = a.met(&apiError{code: http.StatusNotFound}) },
	} {
		a.since.Store(time.Now().Add(-2 * goneTime).UnixNano())
		answer()
		if err := a.met(cut); !passing(err) {
			t.Errorf("it is given up on after %s: %v", name, err)
		}
	}
}

// A refusal counts for nothing until settlingTime is over, however often it
// comes and however many attempts went before.
func TestARefusalIsTriedAgainUntilTheServerHasSettled(t *testing.T) {
	cut := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	refused := &apiError{code: http.StatusForbidden}
	for name, test := range map[string]struct {
		away, settled time.Duration // since the first attempt
		allowed       bool
	}{
		"away for long":               {8 * time.Second, 25 * time.Second, true},
		"slow to read its roles":      {time.Second, 29 * time.Second, true},
		"refused when it has settled": {time.Second, 10 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a absence
				began := time.Now()
				err := retry(t.Context(), maxAttempts, func() error {
					switch at := time.Since(began); {
					case at < test.away:
						return a.met(cut)
					case at < test.settled:
						return a.met(refused)
					}
					return nil
				})
				if allowed := err == nil; allowed != test.allowed {
					t.Errorf("ended with %v after %s", err, time.Since(began))
				}
				if took := time.Since(began); took > test.away+settlingTime+settlingPause {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}
