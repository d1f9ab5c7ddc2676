package sim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// serveProxy passes a GET on to a port that listens on the pod's address.
func (s *apiServer) serveProxy(w http.ResponseWriter, r *http.Request, a attributes) {
	name, number, err := splitProxyName(a.name)
	if err != nil {
		writeStatus(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	pod, ok := s.existing(w, a, name)
	if !ok {
		return
	}
	if s.breaker.lost(pod.node) {
		writeStatus(w, apierrors.NewServiceUnavailable(fmt.Sprintf(
			"error trying to reach service: dial tcp %s:%d: i/o timeout", pod.ip, number)))
		return
	}
	p, ok := pod.ports[number]
	if !ok || p.loopback {
		writeStatus(w, apierrors.NewServiceUnavailable(fmt.Sprintf(
			"error trying to reach service: dial tcp %s:%d: connect: connection refused", pod.ip, number)))
		return
	}
	if p.hang {
		<-r.Context().Done()
		return
	}
	inner := r.Clone(context.WithValue(r.Context(), proxiedKey{}, true))
	inner.URL = &url.URL{Path: "/" + a.rest, RawQuery: r.URL.RawQuery}
	inner.RequestURI = inner.URL.RequestURI()
	target := targetOf(pod, number, p)
	s.observe(Request{Target: target.String(), Method: r.Method, Path: inner.RequestURI})
	s.targets.answer(target, w, inner)
}

// splitProxyName reads [SCHEME:]NAME[:PORT] as k8s.io/apimachinery/pkg/util/net SplitSchemeNamePort does.
func splitProxyName(id string) (name string, port int32, err error) {
	parts := strings.Split(id, ":")
	switch len(parts) {
	case 1:
		return parts[0], 80, nil
	case 3:
		parts = parts[1:]
	case 2:
	default:
		return "", 0, fmt.Errorf("invalid pod request %q", id)
	}
	number, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("invalid port in pod request %q", id)
	}
	return parts[0], int32(number), nil
}

type proxiedKey struct{}

// proxied is true for a request that came by pod proxy, whose peer is the API server.
func proxied(ctx context.Context) bool { return ctx.Value(proxiedKey{}) != nil }
