package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// Rates that a busy API server does not notice.
const (
	requestsPerSecond = 50
	requestBurst      = 100
)

// api speaks to the API server: one client, one rate. All of it is GETs, but
// for the review of rights, which changes nothing.
type api struct {
	config  *rest.Config
	base    *url.URL
	client  *http.Client
	limiter flowcontrol.RateLimiter
	// idleTimeout is how long an answer may keep silent, at its start and in its middle; 0 for any time.
	idleTimeout time.Duration
	// accept is what to ask for where not for whole objects.
	accept  string
	cost    *cost
	absence *absence
}

// cost counts what was asked of the API server, and what came through it.
type cost struct{ requests, bytes atomic.Int64 }

// body counts what is read of an answer.
func (c *cost) body(r io.ReadCloser) io.ReadCloser { return &paidBody{r, c} }

type paidBody struct {
	io.ReadCloser
	cost *cost
}

func (p *paidBody) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.cost.bytes.Add(int64(n))
	return n, err
}

func newAPI(config *rest.Config) (*api, error) {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // every request has a context with its own deadline
	// On connections of their own long answers don't wait for each other, nor for HTTP/2's flow control.
	config.NextProtos = []string{"http/1.1"}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	own := *client // it may be http.DefaultClient
	own.CheckRedirect = refuseRedirect
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("the API server's address: %w", err)
	}
	return &api{
		config: config, base: base, client: &own,
		limiter: flowcontrol.NewTokenBucketRateLimiter(requestsPerSecond, requestBurst), cost: &cost{}, absence: &absence{},
	}, nil
}

// url is the address of an absolute API path.
func (a *api) url(path string, query url.Values) *url.URL {
	u := *a.base
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	u.RawQuery = query.Encode()
	return &u
}

// get asks for path and gives the answer of a 200; anything else is an
// *apiError, after further attempts where it may pass. The caller closes the body.
func (a *api) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	var resp *http.Response
	err := retry(ctx, maxAttempts, func() error {
		var err error
		resp, err = a.once(ctx, path, query)
		return err
	})
	return resp, err
}

func (a *api) once(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return a.send(ctx, http.MethodGet, path, query, nil)
}

// send makes one request. An answer of 200 or 201 is given, any other is an *apiError.
func (a *api) send(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	if err := a.admit(ctx); err != nil {
		return nil, err
	}
	req, err := http.NewRequest(method, a.url(path, query).String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", cmp.Or(a.accept, "application/json, */*"))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	a.cost.requests.Add(1)
	resp, err := doWithIdleTimeout(ctx, a.idleTimeout, a.client, req)
	if err != nil {
		return nil, a.absence.met(err)
	}
	resp.Body = a.cost.body(resp.Body)
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		a.absence.answered()
		return resp, noPage(resp)
	}
	defer resp.Body.Close()
	return nil, a.absence.met(readAPIError(resp))
}

// admit waits until the rate allows one more request.
func (a *api) admit(ctx context.Context) error {
	if err := a.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &silenceError{"its time was spent waiting for the collector's own rate"}
	}
	return nil
}

// apiError is an answer of the API server other than 200.
type apiError struct {
	code       int
	message    string
	kind       string // of the object that it is about, "" where it does not say
	retryAfter time.Duration
}

// hasCode is true of an API server's answer of this status.
func hasCode(err error, code int) bool {
	var answer *apiError
	return errors.As(err, &answer) && answer.code == code
}

func (e *apiError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("the API server answered %d %s", e.code, http.StatusText(e.code))
	}
	return fmt.Sprintf("the API server answered %d: %s", e.code, e.message)
}

func readAPIError(resp *http.Response) *apiError {
	e := &apiError{code: resp.StatusCode, retryAfter: retryAfter(resp.Header)}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return e
	}
	var status metav1.Status
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		e.message = status.Message
		if status.Details != nil {
			e.kind = status.Details.Kind
		}
	} else {
		e.message = oneLine(string(body), 200)
	}
	return e
}

func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// dateOf is the Date header of an answer, zero where there is none.
func dateOf(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
