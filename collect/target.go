package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// reach remembers what works in this cluster, so that it is learnt once and
// not for every pod.
type reach struct {
	forwardForbidden atomic.Bool // no right to port-forward
	proxyFails       atomic.Bool // the API server can't reach pods, or may not
}

// podClient speaks HTTP to one pod, one request at a time.
type podClient struct {
	api    *api
	reach  *reach
	target target
	tunnel *tunnel
	// patience is how long the pod may keep silent.
	patience time.Duration
	// broken is why port-forward to this pod fails: its other requests need
	// not find out each for themselves.
	broken error
	// silent counts the requests in a row that were not answered in time.
	silent int
}

// maxSilent is how many unanswered requests give a pod up: one that hangs
// must not cost a deadline for everything there is to ask.
const maxSilent = 2

// answer is what a pod said.
type answer struct {
	*http.Response
	via string // "port-forward" or "pod proxy"
}

// get asks the pod. Where port-forward is not to be had and the port listens
// on the pod's address, the API server's proxy is asked instead.
func (c *podClient) get(ctx context.Context, t task, path string) (*answer, error) {
	if !c.target.running {
		return nil, notReadyError{c.target.why}
	}
	var resp *http.Response
	err := retry(ctx, targetRetries, func() error {
		var err error
		resp, err = c.forwarded(ctx, t.port, path)
		if err == nil && t.form != asReady && passingCode(resp.StatusCode) {
			return c.unwilling(resp)
		}
		return err
	})
	if err == nil {
		return &answer{resp, "port-forward"}, nil
	}
	var answered *statusError
	if !t.onPodAddress || c.reach.proxyFails.Load() || ctx.Err() != nil || errors.As(err, &answered) {
		return nil, err
	}
	resp, errProxy := c.proxied(ctx, t.port, path)
	if errProxy != nil {
		var denied *apiError
		if errors.As(errProxy, &denied) && denied.code == http.StatusForbidden {
			c.reach.proxyFails.Store(true)
		}
		return nil, err
	}
	return &answer{resp, "pod proxy"}, nil
}

func (c *podClient) forwarded(ctx context.Context, port int, path string) (*http.Response, error) {
	if c.reach.forwardForbidden.Load() && c.broken == nil {
		c.broken = fmt.Errorf("pods/portforward is forbidden: grant create on pods/portforward in namespace %s", c.target.namespace)
	}
	if c.broken != nil {
		return nil, c.broken
	}
	if c.tunnel == nil {
		tunnel, err := c.api.openTunnel(ctx, c.target.namespace, c.target.name)
		if err != nil {
			c.broken = err
			if isForbidden(err) {
				c.broken = fmt.Errorf("pods/portforward is forbidden: grant create on pods/portforward in namespace %s (%w)", c.target.namespace, err)
			}
			return nil, c.broken
		}
		c.tunnel = tunnel
	}
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return c.tunnel.dial(ctx, port)
			},
			DisableKeepAlives:     true,
			ResponseHeaderTimeout: c.patience,
		},
		// A pod must not send the collector elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://localhost:%d%s", port, path), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		if broken(err) {
			c.close() // the next request opens a new one
			c.tunnel = nil
		}
		if isTimeout(err) {
			err = fmt.Errorf("%w: no answer within %s", context.DeadlineExceeded, c.patience)
			if c.silent++; c.silent == maxSilent {
				c.broken = fmt.Errorf("%w: it left %d requests in a row unanswered", context.DeadlineExceeded, maxSilent)
			}
		}
		return nil, err
	}
	c.silent = 0
	return resp, nil
}

// unwilling makes an error of an answer that a second request may better.
func (c *podClient) unwilling(resp *http.Response) error {
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4*kb))
	return errors.Join(&statusError{resp.StatusCode, oneLine(string(text), 200)}, err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func isForbidden(err error) bool {
	text := err.Error()
	return strings.Contains(text, "forbidden") || strings.Contains(text, "Forbidden") || strings.Contains(text, "403")
}

func (c *podClient) proxied(ctx context.Context, port int, path string) (*http.Response, error) {
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	return c.api.get(ctx, fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", c.target.namespace, c.target.name, port, path), values)
}

func (c *podClient) close() {
	if c.tunnel != nil {
		_ = c.tunnel.Close() // everything that was asked for has been read
	}
}

// errTooLarge is returned for answers past a task's limit.
var errTooLarge = errors.New("the answer is larger than it may be")

// limitedReader fails, rather than ends, past its limit.
type limitedReader struct {
	r    io.Reader
	left int64
	n    int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w: over %d MB", errTooLarge, l.n/mb)
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	l.n += int64(n)
	return n, err
}

// silence ends a body that stops coming: a large answer may take its time,
// but not stand still.
type silence struct {
	body  io.ReadCloser
	limit time.Duration
	timer *time.Timer
	fired atomic.Bool
}

func newSilence(limit time.Duration, body io.ReadCloser) *silence {
	s := &silence{body: body, limit: limit}
	s.timer = time.AfterFunc(limit, func() {
		s.fired.Store(true)
		_ = body.Close() // wakes the reader, which is told why
	})
	return s
}

func (s *silence) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if n > 0 {
		s.timer.Reset(s.limit)
	}
	if err != nil && err != io.EOF && s.fired.Load() {
		return n, fmt.Errorf("%w: nothing came for %s", context.DeadlineExceeded, s.limit)
	}
	return n, err
}

func (s *silence) stop() { s.timer.Stop() }
