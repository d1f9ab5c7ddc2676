package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

// refusedOn40312 is a failure whose text has the number of another one in it.
var refusedOn40312 = &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 40312}, Err: syscall.ECONNREFUSED}

func TestErrorsAreJudgedByTheirTypes(t *testing.T) {
	type judged struct {
		Status    bundle.Status
		Reason    string
		Forbidden bool
		Passing   bool
	}
	for name, test := range map[string]struct {
		err  error
		want judged
	}{
		"a refused connection from a port with 403 in it": {
			fmt.Errorf("port-forward to pod a/b: %w", refusedOn40312),
			judged{bundle.StatusTruncated, "the answer broke off: port-forward to pod a/b: read tcp 10.0.0.1:40312: connection refused", false, true},
		},
		"an answer of the API server": {
			&apiError{code: http.StatusForbidden, message: "no"}, judged{bundle.StatusForbidden, "no", true, false},
		},
		"a right that port-forward lacks": {
			&forbiddenError{right: forwardRight("shop")},
			judged{bundle.StatusForbidden, "pods/portforward is forbidden: grant create pods/portforward in namespace shop", false, false},
		},
		"an answer of the pod itself": {
			&statusError{code: http.StatusForbidden, body: "no"}, judged{bundle.StatusForbidden, "it answered 403 Forbidden: no", false, false},
		},
		"a pod that is gone": {
			fmt.Errorf("port-forward: %w", &tunnelRefusedError{&apiError{code: http.StatusNotFound, kind: "pods", message: `pods "b" not found`}}),
			judged{bundle.StatusNotReady, `the pod is gone: pods "b" not found`, false, false},
		},
		"something else that is not there": {
			&apiError{code: http.StatusNotFound, message: "page not found"}, judged{bundle.StatusAbsent, "page not found", false, false},
		},
		"words alone": {
			errors.New("access is forbidden by 403: unexpected EOF"), judged{bundle.StatusFailed, "access is forbidden by 403: unexpected EOF", false, false},
		},
		"a node that the API server does not reach": {
			&tunnelRefusedError{&apiError{code: http.StatusInternalServerError, message: "error dialing backend"}},
			judged{bundle.StatusFailed, "the API server answered 500: error dialing backend", false, false},
		},
		"silence":    {&silenceError{"nothing came for 30s"}, judged{bundle.StatusTimeout, "nothing came for 30s", false, false}},
		"a deadline": {context.DeadlineExceeded, judged{bundle.StatusTimeout, "no whole answer within 1m0s", false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			got := judged{Forbidden: isForbidden(test.err), Passing: passing(test.err)}
			got.Status, got.Reason = outcome(t.Context(), test.err, time.Minute)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
