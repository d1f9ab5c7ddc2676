package sim

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/version"

	"github.com/zbundle/zbundle/internal/kubeapi"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// frontend stands before the API server: it breaks what is to be broken, restarts pods, and tells of
// every request.
type frontend struct {
	live    *atomic.Pointer[world.World]
	api     *kubeapi.Server
	churn   *churn
	breaker *breaker
	roles   []Role // that the user has; nil for nearly everything
	token   string
	observe func(Request)
	// cut ends every connection.
	cut func()
}

func (f *frontend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.observe(Request{Target: "api-server", Method: r.Method, Path: r.URL.RequestURI()})
	if f.breaker.received() {
		f.cut()
		panic(http.ErrAbortHandler)
	}
	if part := f.breaker.ofAPI(r); part != "" && f.authenticated(r) {
		w.Header().Set("Date", f.live.Load().Now().UTC().Format(http.TimeFormat))
		f.breaker.answer(part, w, r, f.api)
	} else {
		f.api.ServeHTTP(w, r)
	}
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/pods") {
		f.breaker.listed.Store(true)
	}
	if err := f.churn.served(); err != nil {
		panic(http.ErrAbortHandler) // the client sees a server that broke
	}
}

func (f *frontend) authenticated(r *http.Request) bool {
	return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 || r.Header.Get("Authorization") == "Bearer "+f.token
}

// cluster is the world at the moment of a request.
func (f *frontend) cluster() kubeapi.Cluster {
	w := f.live.Load()
	return servedWorld{Store: w.Objects, world: w, frontend: f}
}

// servedWorld is a world as it is served, with what is broken of it.
type servedWorld struct {
	*kubeapi.Store
	world    *world.World
	frontend *frontend
}

// Now implements kubeapi.Cluster.
func (s servedWorld) Now() time.Time { return s.world.Now() }

// Version implements kubeapi.Cluster.
func (s servedWorld) Version() version.Info { return s.world.Version }

// Pod implements kubeapi.Pods.
func (s servedWorld) Pod(namespace, name string) (kubeapi.Pod, bool) {
	key, b := world.PodKey(namespace, name), s.frontend.breaker
	p, ok := s.world.Pods[key]
	if !ok || b.gone(key) {
		return kubeapi.Pod{}, false
	}
	pod := p.Pod
	pod.KubeletError, pod.Unreachable = b.kubelet(s.world, p.Node), b.lost(p.Node)
	pod.Ports = make(map[int32]kubeapi.Port, len(p.Ports))
	for number, port := range p.Ports {
		if port.Handler != (world.Silence{}) {
			port.Handler = s.observed(key, number, port.Handler)
		}
		pod.Ports[number] = port
	}
	return pod, true
}

// observed is a pod's port whose requests are told of, and whose answers may be broken.
func (s servedWorld) observed(pod string, number int32, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := s.frontend.breaker
		s.frontend.observe(Request{Target: fmt.Sprintf("%s:%d", pod, number), Method: r.Method, Path: r.URL.RequestURI()})
		if !kubeapi.Proxied(r.Context()) {
			w.Header().Set("Date", s.world.Now().Add(b.ahead(pod)).UTC().Format(http.TimeFormat))
		}
		if part := b.ofTarget(pod, number, r.URL.Path); part != "" {
			b.answer(part, w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Allowed implements kubeapi.Cluster: what the user's roles grant, where it was given any, else
// reading everything but secrets, opening port-forwards, and nothing else.
func (s servedWorld) Allowed(a kubeapi.Attributes) bool {
	if s.frontend.breaker.denies() {
		return false
	}
	for _, d := range s.world.Denied {
		if d.Covers(a) {
			return false
		}
	}
	if s.frontend.roles != nil {
		return granted(s.frontend.roles, a)
	}
	switch a.Verb {
	case "get", "list", "watch":
		return a.Group != "" || a.Resource != "secrets"
	case "create":
		return a.Group == "" && a.Path() == "pods/portforward" || a.Group == "authorization.k8s.io"
	}
	return false
}
