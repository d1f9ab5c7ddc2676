package collect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// TestNoClientFollowsARedirect has every kind of request answered with a
// redirect to a host that would be given the collector's credentials.
func TestNoClientFollowsARedirect(t *testing.T) {
	var stolen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen.Add(1)
		t.Errorf("%s %s came to the other host, Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"gitVersion":"v1.33.0"}`))
	}))
	defer thief.Close()
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", thief.URL+r.URL.Path+"?state=secret")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(`{"gitVersion":"v1.33.0"}`))
		}))
		a, err := newAPI(&rest.Config{Host: server.URL, BearerToken: "token-of-the-collector"})
		if err != nil {
			t.Fatal(err)
		}
		a.idleTimeout = 5 * time.Second
		pod := &podClient{api: a, reach: &reach{}, target: target{namespace: "istio-system", name: "ztunnel-1", running: true}, idleTimeout: 5 * time.Second}
		for name, ask := range map[string]func(ctx context.Context) error{
			"a GET of the API server": func(ctx context.Context) error { _, err := a.get(ctx, "/version", nil); return err },
			"a review of a right":     func(ctx context.Context) error { _, err := a.review(ctx, logRight("istio-system")); return err },
			"the pod proxy":           func(ctx context.Context) error { _, err := pod.proxied(ctx, 15020, "/metrics"); return err },
			"the start of port-forward": func(ctx context.Context) error {
				_, err := a.openTunnel(ctx, 5*time.Second, "istio-system", "ztunnel-1")
				return err
			},
			"a pod by port-forward": func(ctx context.Context) error {
				dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(server.URL, "http://"))
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:15020/metrics", nil)
				if err != nil {
					return err
				}
				_, err = doWithIdleTimeout(ctx, 5*time.Second, clientOver(dial), req)
				return err
			},
			"a whole run": func(ctx context.Context) error {
				_, err := Run(ctx, []Cluster{{Config: a.config}}, Options{Output: filepath.Join(t.TempDir(), "b.tgz")}, Quiet{})
				return err
			},
		} {
			err := ask(t.Context())
			var redirect *redirectError
			if !errors.As(err, &redirect) || !strings.Contains(err.Error(), "a redirect to "+thief.URL+", which is not followed") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%d to %s: %v", code, name, err)
			}
		}
		server.Close()
	}
	if n := stolen.Load(); n > 0 {
		t.Errorf("%d requests came to the other host", n)
	}
}
