package kubeapi

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// serveProxy passes a GET on to a port that listens on the pod's address.
func (q request) serveProxy(a Attributes) {
	name, number, err := splitProxyName(a.Name)
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	pod, ok := q.existing(a, name)
	if !ok {
		return
	}
	if pod.Unreachable {
		q.fail(apierrors.NewServiceUnavailable(fmt.Sprintf(
			"error trying to reach service: dial tcp %s:%d: i/o timeout", pod.IP, number)))
		return
	}
	p, ok := pod.Ports[number]
	if !ok || p.Loopback {
		q.fail(apierrors.NewServiceUnavailable(fmt.Sprintf(
			"error trying to reach service: dial tcp %s:%d: connect: connection refused", pod.IP, number)))
		return
	}
	inner := q.r.Clone(context.WithValue(q.r.Context(), proxiedKey{}, true))
	inner.URL = &url.URL{Path: "/" + a.rest, RawQuery: q.r.URL.RawQuery}
	inner.RequestURI = inner.URL.RequestURI()
	p.Handler.ServeHTTP(q.w, inner)
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

// Proxied is true for a request that came by pod proxy, whose peer is the API server.
func Proxied(ctx context.Context) bool { return ctx.Value(proxiedKey{}) != nil }
