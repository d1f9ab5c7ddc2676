package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// reach remembers what works in this cluster, so that it is learnt once and
// not for every pod.
type reach struct {
	// proxyFirst is set where the API server's proxy reached a pod that
	// port-forward did not, and unset the other way round.
	proxyFirst atomic.Bool
	// proxyFails is set where the proxy may not be used, or never answers.
	proxyFails atomic.Bool
	forbidden  sync.Map // why port-forward is, by namespace
}

// forbid notes that pods of a namespace can't be reached by port-forward.
func (r *reach) forbid(namespace string, why error) { r.forbidden.Store(namespace, why) }

// podClient speaks HTTP to one pod, one request at a time.
type podClient struct {
	api    *api
	reach  *reach
	target target
	tunnel *tunnel
	// idleTimeout is how long the pod may keep silent.
	idleTimeout time.Duration
	// broken is why port-forward to this pod fails: its other requests need
	// not find out each for themselves.
	broken error
	// failed counts the tasks in a row that were not answered.
	failed int
}

// maxFailed is how many unanswered tasks give a pod up: one that hangs must
// not cost a deadline for everything there is to ask.
const maxFailed = 2

// proxyIdleTimeout bounds what the API server's proxy may take to begin an
// answer: where security groups swallow its packets, it never does.
const proxyIdleTimeout = 10 * time.Second

// answer is what a pod said.
type answer struct {
	*http.Response
	via string // "port-forward" or "pod proxy"
}

const (
	viaForward = "port-forward"
	viaProxy   = "pod proxy"
)

// get asks the pod once: by port-forward, or where that is not to be had and
// the port listens on the pod's address, by the API server's proxy; in the
// other order where that was the one to answer before.
func (c *podClient) get(ctx context.Context, t task, path string) (*answer, error) {
	if !c.target.running {
		return nil, notReadyError{c.target.why}
	}
	ways := []string{viaForward}
	if t.onPodAddress && !c.reach.proxyFails.Load() {
		ways = append(ways, viaProxy)
		if c.reach.proxyFirst.Load() {
			slices.Reverse(ways)
		}
	}
	var first error
	for i, via := range ways {
		resp, err := c.by(ctx, via, t.port, path)
		if err == nil {
			if i > 0 {
				c.reach.proxyFirst.Store(via == viaProxy)
			}
			return &answer{resp, via}, noPage(resp)
		}
		if first == nil || via == viaForward {
			first = err // what port-forward met says more of the pod
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

func (c *podClient) by(ctx context.Context, via string, port int, path string) (*http.Response, error) {
	if via == viaForward {
		return c.forwarded(ctx, port, path)
	}
	resp, err := c.proxied(ctx, port, path)
	if err != nil && (isTimeout(err) && ctx.Err() == nil || hasCode(err, http.StatusForbidden)) {
		c.reach.proxyFails.Store(true)
	}
	return resp, err
}

func (c *podClient) forwarded(ctx context.Context, port int, path string) (*http.Response, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	if why, ok := c.reach.forbidden.Load(c.target.namespace); ok {
		return nil, why.(error)
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	client := clientOver(func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := c.tunnel.dial(ctx, port)
		return paidConn{conn, c.api.cost}, err
	})
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://localhost:%d%s", port, path), nil)
	if err != nil {
		return nil, err
	}
	resp, err := doWithIdleTimeout(ctx, c.idleTimeout, client, req)
	if err != nil {
		if broken(err) {
			c.close() // the next request opens a new one
		}
		return nil, err
	}
	return resp, nil
}

// clientOver makes an HTTP client whose connections come from dial.
func clientOver(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: refuseRedirect,
	}
}

// open makes sure that there is a tunnel. A connection that was cut says
// nothing of the pod: the API server may be restarting.
func (c *podClient) open(ctx context.Context) error {
	if c.tunnel != nil {
		return nil
	}
	err := retry(ctx, maxAttempts, func() (err error) {
		c.tunnel, err = c.api.openTunnel(ctx, c.idleTimeout, c.target.namespace, c.target.name)
		return err
	})
	switch {
	case err == nil || ctx.Err() != nil:
	case isForbidden(err):
		err = &forbiddenError{right: forwardRight(c.target.namespace), answer: err}
		c.reach.forbid(c.target.namespace, err)
	default:
		c.broken = err
	}
	return err
}

// ended counts the tasks in a row that the pod did not answer to the end.
func (c *podClient) ended(err error) {
	switch {
	case err == nil, !isTimeout(err) && !broken(err):
		c.failed = 0
	case c.broken == nil:
		if c.failed++; c.failed == maxFailed {
			c.broken = fmt.Errorf("%w (given up on after %d failures in a row)", err, maxFailed)
		}
	}
}

// paidConn counts what comes through the API server.
type paidConn struct {
	net.Conn
	cost *cost
}

func (c paidConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cost.bytes.Add(int64(n))
	return n, err
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func isForbidden(err error) bool { return hasCode(err, http.StatusForbidden) }

// forbiddenError is a right that port-forward lacks.
type forbiddenError struct {
	right  right
	answer error // of the API server, nil where the review of rights told so
}

func (e *forbiddenError) Error() string {
	said := fmt.Sprintf("%s is forbidden: grant %s", e.right.resource, e.right)
	if e.answer != nil {
		said += fmt.Sprintf(" (%v)", e.answer)
	}
	return said
}

func (e *forbiddenError) Unwrap() error { return e.answer }

func (c *podClient) proxied(ctx context.Context, port int, path string) (*http.Response, error) {
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	api := *c.api
	api.idleTimeout = min(c.idleTimeout, proxyIdleTimeout)
	return api.once(ctx, fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", c.target.namespace, c.target.name, port, path), values)
}

// close ends the tunnel: everything that was asked for has been read.
func (c *podClient) close() {
	if c.tunnel != nil {
		_ = c.tunnel.Close()
		c.tunnel = nil
	}
}

// errTooLarge is returned for answers past a task's limit.
var errTooLarge = errors.New("the answer is larger than it may be")

// limitedReader fails, rather than ends, past its limit.
type limitedReader struct {
	r      io.Reader
	left   int64
	n      int64
	failed error // what ended the reading, other than the end
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		l.failed = fmt.Errorf("%w: over %d MB", errTooLarge, l.n/mb)
		return 0, l.failed
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	l.n += int64(n)
	if err != io.EOF {
		l.failed = err
	}
	return n, err
}
