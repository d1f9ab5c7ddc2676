package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/bundle"
)

// reviewPath takes the one request that is no GET. It stores nothing: the
// answer to a SelfSubjectAccessReview is all that it makes.
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

// wanted are the distinct rights that the plan needs, sorted.
func (s *scope) wanted() []right {
	seen := map[right]bool{}
	var out []right
	add := func(rights []right) {
		for _, x := range rights {
			if !seen[x] {
				seen[x] = true
				out = append(out, x)
			}
		}
	}
	for _, task := range tasksOf(target{kind: kindCluster}) {
		if s.survey.served.path(task.resource) != "" {
			add(s.needs(task, target{kind: kindCluster}))
		}
	}
	for _, t := range s.survey.targets {
		for _, task := range tasksOf(t) {
			if why := s.unasked(task, t); why == "" {
				add(s.needs(task, t))
			}
		}
	}
	slices.SortFunc(out, compareRights)
	return out
}

// reviewFirst asks about the lists that come before all else.
func (r *run) reviewFirst(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.RequestTimeout)
	defer cancel()
	for _, task := range tasks[:surveyed] {
		r.rights.ask(ctx, r.scope.needs(task, target{kind: kindCluster}))
	}
	r.narrow(ctx, tasks[:surveyed])
}

// review asks the API server for each right whether it is there, so that
// what is denied is said before the work, and not asked for. A right that
// can't be asked about is taken for granted.
func (r *run) review(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.RequestTimeout)
	defer cancel()
	rights := r.scope.wanted()
	r.rights.ask(ctx, rights)
	r.narrow(ctx, objectTasks)
	// Where there is no port-forward, pod proxy may do.
	var second []right
	for _, x := range rights {
		if r.rights.denies(x) && x == forwardRight(x.namespace) {
			second = append(second, proxyRight(x.namespace))
		}
	}
	r.rights.ask(ctx, second)
	for _, x := range second {
		x = forwardRight(x.namespace)
		r.pods.reach.forbid(x.namespace, &forbiddenError{right: x})
	}
	for _, x := range r.scope.wanted() { // what was denied may have narrowed the scope
		r.reviewed = append(r.reviewed, bundle.Right{Verb: x.verb, Group: x.group, Resource: x.resource, Namespace: x.namespace, Name: x.name, Denied: r.rights.denies(x)})
	}
}

// rights are those that the API server was asked about: what may be asked.
type rights struct {
	api     *api
	workers int

	mu     sync.Mutex
	known  map[right]bool // that were asked about
	denied map[right]bool // of them
}

func newRights(api *api, workers int) *rights {
	return &rights{api: api, workers: workers, known: map[right]bool{}, denied: map[right]bool{}}
}

// denies is true of a right that the API server says is not there.
func (g *rights) denies(x right) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.denied[x]
}

// asked is true of a right that the API server was asked about.
func (g *rights) asked(x right) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known[x]
}

// reviews is how many questions were put.
func (g *rights) reviews() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.known)
}

// ask asks about rights that were not asked about before.
func (g *rights) ask(ctx context.Context, rights []right) {
	g.mu.Lock()
	rights = slices.DeleteFunc(slices.Clone(rights), func(x right) bool { return g.known[x] })
	for _, x := range rights {
		g.known[x] = true
	}
	g.mu.Unlock()
	work := make(chan right)
	var workers sync.WaitGroup
	for range min(g.workers, len(rights)) {
		workers.Go(func() {
			for x := range work {
				if allowed, err := g.api.review(ctx, x); err == nil && !allowed {
					g.mu.Lock()
					g.denied[x] = true
					g.mu.Unlock()
				}
			}
		})
	}
	for _, x := range rights {
		work <- x
	}
	close(work)
	workers.Wait()
}

// review asks whether the caller has a right.
func (a *api) review(ctx context.Context, x right) (bool, error) {
	resource, sub, _ := strings.Cut(x.resource, "/")
	body, err := json.Marshal(authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: authorizationv1.SchemeGroupVersion.String(), Kind: "SelfSubjectAccessReview"},
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: x.namespace, Verb: x.verb, Group: x.group, Resource: resource, Subresource: sub, Name: x.name,
		}},
	})
	if err != nil {
		return false, err
	}
	var answer authorizationv1.SelfSubjectAccessReview
	err = retry(ctx, maxAttempts, func() error {
		resp, err := a.send(ctx, http.MethodPost, reviewPath, nil, bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer = authorizationv1.SelfSubjectAccessReview{}
		err = json.NewDecoder(io.LimitReader(resp.Body, mb)).Decode(&answer)
		if err == nil && !answer.Status.Allowed && a.absence.settling() {
			return unsettled(x)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("review the right to %s: %w", x, err)
	}
	return answer.Status.Allowed, nil
}

// forbidden says which right a task lacks, "" where none that is known of.
func (s *scope) forbidden(task task, t target) string {
	if t.kind == kindCluster && task.form != asNamed && len(s.listable(task)) > 0 {
		return "" // lacking says what is left out
	}
	needs := s.needs(task, t)
	var lacking []string
	for _, x := range needs {
		instead := x == forwardRight(x.namespace) && task.onPodAddress && !s.rights.denies(proxyRight(x.namespace))
		if s.rights.denies(x) && !instead {
			lacking = append(lacking, x.String())
		}
	}
	if len(lacking) == 0 || len(lacking) < len(needs) {
		return ""
	}
	return "grant " + strings.Join(lacking, ", ")
}
