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
func (r *run) wanted() []right {
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
		if r.served.path(task.resource) != "" {
			add(r.needs(task, target{kind: kindCluster}))
		}
	}
	for _, t := range r.targets {
		for _, task := range tasksOf(t) {
			if why := r.unasked(task, t); why == "" {
				add(r.needs(task, t))
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
		r.allow(ctx, r.needs(task, target{kind: kindCluster}))
	}
	r.narrow(ctx, tasks[:surveyed])
}

// review asks the API server for each right whether it is there, so that
// what is denied is said before the work, and not asked for. A right that
// can't be asked about is taken for granted.
func (r *run) review(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.RequestTimeout)
	defer cancel()
	rights := r.wanted()
	r.allow(ctx, rights)
	r.narrow(ctx, objectTasks)
	// Where there is no port-forward, pod proxy may do.
	var second []right
	for _, x := range rights {
		if r.denied[x] && x == forwardRight(x.namespace) {
			second = append(second, proxyRight(x.namespace))
		}
	}
	r.allow(ctx, second)
	for _, x := range second {
		x = forwardRight(x.namespace)
		r.reach.forbidden.Store(x.namespace, &forbiddenError{right: x})
	}
	for _, x := range r.wanted() { // what was denied may have narrowed the scope
		r.reviewed = append(r.reviewed, bundle.Right{Verb: x.verb, Group: x.group, Resource: x.resource, Namespace: x.namespace, Name: x.name, Denied: r.denied[x]})
	}
}

// allow asks about rights that were not asked about before.
func (r *run) allow(ctx context.Context, rights []right) {
	rights = slices.DeleteFunc(slices.Clone(rights), func(x right) bool { return r.known[x] })
	for _, x := range rights {
		r.known[x] = true
	}
	work := make(chan right)
	var workers sync.WaitGroup
	for range min(r.opts.Concurrency, len(rights)) {
		workers.Go(func() {
			for x := range work {
				if allowed, err := r.api.review(ctx, x); err == nil && !allowed {
					r.mu.Lock()
					r.denied[x] = true
					r.mu.Unlock()
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
func (r *run) forbidden(task task, t target) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.kind == kindCluster && task.form != asNamed && len(r.listable(task)) > 0 {
		return "" // lacking says what is left out
	}
	needs := r.needs(task, t)
	var lacking []string
	for _, x := range needs {
		instead := x == forwardRight(x.namespace) && task.onPodAddress && !r.denied[proxyRight(x.namespace)]
		if r.denied[x] && !instead {
			lacking = append(lacking, x.String())
		}
	}
	if len(lacking) == 0 || len(lacking) < len(needs) {
		return ""
	}
	return "grant " + strings.Join(lacking, ", ")
}
