package sim

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// apiServer answers what a Kubernetes API server answers.
type apiServer struct {
	live    *atomic.Pointer[world]
	world   *world // live at the request
	churn   *churn
	targets *targetServer
	breaker *breaker
	token   string
	observe func(Request)
	// cut ends every connection.
	cut func()
}

// attributes are what an API server authorises a request by.
type attributes struct {
	verb, group, version, resource, subresource, namespace, name string
	// rest is what follows the subresource in the path.
	rest string
}

func (a attributes) groupVersionResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: a.group, Version: a.version, Resource: a.resource}
}

func (a attributes) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: a.group, Resource: a.resource}
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.observe(Request{Target: "api-server", Method: r.Method, Path: r.URL.RequestURI()})
	if s.breaker.received() {
		s.cut()
		panic(http.ErrAbortHandler)
	}
	one := *s
	one.world = s.live.Load()
	one.authenticate(w, r)
	if err := s.churn.served(); err != nil {
		panic(http.ErrAbortHandler) // the client sees a server that broke
	}
}

func (s *apiServer) authenticate(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.world.now().UTC().Format(http.TimeFormat))
	if !s.authenticated(r) {
		writeStatus(w, apierrors.NewUnauthorized("Unauthorized"))
		return
	}
	if part := s.breaker.ofAPI(r); part != "" {
		s.breaker.answer(part, w, r, http.HandlerFunc(s.serve))
		return
	}
	s.serve(w, r)
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch segments[0] {
	case "healthz", "livez", "readyz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok"))
	case "version":
		writeJSON(w, http.StatusOK, s.world.version)
	case "api":
		s.serveAPI(w, r, "", segments[1:])
	case "apis":
		s.serveAPIs(w, r, segments[1:])
	default:
		writeStatus(w, notServed())
	}
}

func (s *apiServer) authenticated(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	return r.Header.Get("Authorization") == "Bearer "+s.token
}

// serveAPI serves the core group.
func (s *apiServer) serveAPI(w http.ResponseWriter, r *http.Request, group string, segments []string) {
	switch {
	case len(segments) == 0:
		s.serveCoreVersions(w, r)
	case len(segments) == 1:
		s.serveResourceList(w, schema.GroupVersion{Group: group, Version: segments[0]})
	default:
		s.serveResource(w, r, group, segments[0], segments[1:])
	}
}

// serveAPIs serves the named groups.
func (s *apiServer) serveAPIs(w http.ResponseWriter, r *http.Request, segments []string) {
	switch len(segments) {
	case 0:
		s.serveGroupList(w, r)
	case 1:
		s.serveGroup(w, segments[0])
	default:
		s.serveAPI(w, r, segments[0], segments[1:])
	}
}

// serveResource serves objects, their lists and their subresources.
func (s *apiServer) serveResource(w http.ResponseWriter, r *http.Request, group, version string, segments []string) {
	a := parseAttributes(r, group, version, segments)
	if a.group == "authorization.k8s.io" && r.Method == http.MethodPost {
		s.serveReview(w, r, a)
		return
	}
	t, ok := s.world.objects.byResource[a.groupVersionResource()]
	if !ok {
		writeStatus(w, notServed())
		return
	}
	if a.subresource != "" && !slices.ContainsFunc(t.resource.subresources, func(sub subresource) bool { return sub.name == a.subresource }) {
		writeStatus(w, notServed())
		return
	}
	if !s.allowed(a) {
		writeStatus(w, forbidden(a))
		return
	}
	switch {
	case a.subresource == "log":
		s.serveLog(w, r, a)
	case a.subresource == "portforward":
		s.servePortForward(w, r, a)
	case a.subresource == "proxy":
		s.serveProxy(w, r, a)
	case a.verb == "list":
		s.serveList(w, r, t, a.namespace)
		if a.resource == "pods" {
			s.breaker.listed.Store(true)
		}
	case a.verb == "watch":
		s.serveWatch(w, r)
	default:
		s.serveObject(w, t, a)
	}
}

// existing is the pod of that name; where there is none, that has been answered.
func (s *apiServer) existing(w http.ResponseWriter, a attributes, name string) (*podBackend, bool) {
	key := podKey(a.namespace, name)
	pod, ok := s.world.pods[key]
	if !ok || s.breaker.gone(key) {
		writeStatus(w, apierrors.NewNotFound(a.groupResource(), name))
		return nil, false
	}
	return pod, true
}

// reachable is the pod of that name, whose kubelet answers.
func (s *apiServer) reachable(w http.ResponseWriter, a attributes, name string) (*podBackend, bool) {
	pod, ok := s.existing(w, a, name)
	if !ok {
		return nil, false
	}
	if why := s.breaker.kubelet(s.world, pod.node); why != "" {
		writeStatus(w, apierrors.NewInternalError(plainError(why)))
		return nil, false
	}
	return pod, true
}

// parseAttributes reads a resource path as k8s.io/apiserver's RequestInfoFactory does.
func parseAttributes(r *http.Request, group, version string, segments []string) attributes {
	a := attributes{group: group, version: version}
	if segments[0] == "namespaces" && len(segments) > 1 {
		a.namespace = segments[1]
		if len(segments) > 2 && segments[2] != "status" && segments[2] != "finalize" {
			segments = segments[2:]
		} else {
			segments = append([]string{"namespaces"}, segments[1:]...)
		}
	}
	a.resource = segments[0]
	if len(segments) > 1 {
		a.name = segments[1]
	}
	if len(segments) > 2 {
		a.subresource = segments[2]
		a.rest = strings.Join(segments[3:], "/")
	}
	a.verb = verbOf(r, a)
	return a
}

func verbOf(r *http.Request, a attributes) string {
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	switch {
	case a.subresource == "portforward":
		// A WebSocket upgrade is a GET and is authorised as the POST that it stands for.
		return "create"
	case a.name != "":
		return "get"
	case r.URL.Query().Get("watch") == "true" || r.URL.Query().Get("watch") == "1":
		return "watch"
	}
	return "list"
}

// allowed says whether the cluster's user may do a: what its roles grant, where it was given
// any, else read everything but secrets, open port-forwards, and nothing else.
func (s *apiServer) allowed(a attributes) bool {
	if s.breaker.denies() {
		return false
	}
	for _, d := range s.world.denied {
		if d.covers(a) {
			return false
		}
	}
	if s.world.roles != nil {
		return granted(s.world.roles, a)
	}
	if a.group == "" && a.resource == "secrets" {
		return false
	}
	switch a.verb {
	case "get", "list", "watch":
		return true
	case "create":
		return a.group == "" && a.resource == "pods" && a.subresource == "portforward" ||
			a.group == "authorization.k8s.io"
	}
	return false
}

func forbidden(a attributes) *apierrors.StatusError {
	resource := a.resource
	if a.subresource != "" {
		resource += "/" + a.subresource
	}
	scope := " at the cluster scope"
	if a.namespace != "" {
		scope = ` in the namespace "` + a.namespace + `"`
	}
	reason := `User "` + clusterUser + `" cannot ` + a.verb + ` resource "` + resource +
		`" in API group "` + a.group + `"` + scope
	return apierrors.NewForbidden(a.groupResource(), a.name, plainError(reason))
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
