package kubeapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Cluster is what a Server serves, as it stands at the moment of a request.
type Cluster interface {
	Objects
	Pods
	// Now is the cluster's clock: Date headers and relative times follow it.
	Now() time.Time
	Version() version.Info
	// Allowed says whether the user may do what is asked.
	Allowed(Attributes) bool
}

// Server answers what a Kubernetes API server answers. Close it.
type Server struct {
	cluster       func() Cluster
	authenticated func(*http.Request) bool
	user          string
	forwards      *forwardServer
}

// NewServer gives a server of what cluster gives at each request, to whom authenticated lets in, as
// the user of that name.
func NewServer(cluster func() Cluster, user string, authenticated func(*http.Request) bool) *Server {
	return &Server{cluster: cluster, authenticated: authenticated, user: user, forwards: startForwardServer()}
}

// Close cuts what is forwarded, and waits for it.
func (s *Server) Close() error { return s.forwards.close() }

// request is one request with the cluster that it is answered from.
type request struct {
	*Server
	Cluster
	w http.ResponseWriter
	r *http.Request
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := request{Server: s, Cluster: s.cluster(), w: w, r: r}
	w.Header().Set("Date", q.Now().UTC().Format(http.TimeFormat))
	if !s.authenticated(r) {
		q.fail(apierrors.NewUnauthorized("Unauthorized"))
		return
	}
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch segments[0] {
	case "healthz", "livez", "readyz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok")) // the client went away
	case "version":
		q.answer(http.StatusOK, q.Version())
	case "api":
		q.serveGroupVersion("", segments[1:])
	case "apis":
		q.serveGroups(segments[1:])
	default:
		q.fail(notServed())
	}
}

// serveGroups serves the named groups.
func (q request) serveGroups(segments []string) {
	switch len(segments) {
	case 0:
		q.serveGroupList()
	case 1:
		q.serveGroup(segments[0])
	default:
		q.serveGroupVersion(segments[0], segments[1:])
	}
}

// serveGroupVersion serves one group, "" for the core one.
func (q request) serveGroupVersion(group string, segments []string) {
	switch len(segments) {
	case 0:
		q.serveCoreVersions()
	case 1:
		q.serveResourceList(schema.GroupVersion{Group: group, Version: segments[0]})
	default:
		q.serveResource(parseAttributes(q.r, group, segments[0], segments[1:]))
	}
}

// serveResource serves objects, their lists and their subresources.
func (q request) serveResource(a Attributes) {
	if a.Group == "authorization.k8s.io" && q.r.Method == http.MethodPost {
		q.serveReview(a)
		return
	}
	resource, ok := q.resource(a.groupVersionResource())
	if !ok || a.Subresource != "" && !resource.hasSubresource(a.Subresource) {
		q.fail(notServed())
		return
	}
	if !q.Allowed(a) {
		q.fail(a.forbidden(q.user))
		return
	}
	switch {
	case a.Subresource == "log":
		q.serveLog(a)
	case a.Subresource == "portforward":
		q.servePortForward(a)
	case a.Subresource == "proxy":
		q.serveProxy(a)
	case a.Verb == "list":
		q.serveList(resource, a.Namespace)
	case a.Verb == "watch":
		q.serveWatch()
	default:
		q.serveObject(resource, a)
	}
}

func (q request) resource(r schema.GroupVersionResource) (Resource, bool) {
	all := q.Resources()
	i := slices.IndexFunc(all, func(known Resource) bool { return known.GroupVersionResource == r })
	if i < 0 {
		return Resource{}, false
	}
	return all[i], true
}

// existing is the pod of that name; where there is none, that has been answered.
func (q request) existing(a Attributes, name string) (Pod, bool) {
	pod, ok := q.Pod(a.Namespace, name)
	if !ok {
		q.fail(apierrors.NewNotFound(a.groupResource(), name))
	}
	return pod, ok
}

// reachable is the pod of that name, whose kubelet answers.
func (q request) reachable(a Attributes) (Pod, bool) {
	pod, ok := q.existing(a, a.Name)
	if ok && pod.KubeletError != "" {
		q.fail(apierrors.NewInternalError(plainError(pod.KubeletError)))
		return Pod{}, false
	}
	return pod, ok
}

// plainError is an error that is nothing but its text.
type plainError string

func (e plainError) Error() string { return string(e) }

// notServed is the answer to a path that no API is installed at.
func notServed() *apierrors.StatusError {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusNotFound,
		Reason:  metav1.StatusReasonNotFound,
		Message: "the server could not find the requested resource",
		Details: &metav1.StatusDetails{},
	}}
}
