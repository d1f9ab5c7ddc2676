package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"github.com/zbundle/zbundle/bundle"
)

// Cluster is one to collect from.
type Cluster struct {
	Context string // its name, in the bundle's header
	Config  *rest.Config
}

// Run collects one cluster, or several of one mesh at the same time, into
// opts.Output. What can't be had is recorded in the bundle and does not fail
// the run, nor does one of several clusters that can't be reached; the error is
// for a mesh of which nothing can be reached, or a bundle that can't be
// written. Cancel ctx with ErrInterrupted to end early with what is there.
func Run(ctx context.Context, clusters []Cluster, opts Options, progress Progress) (*Summary, error) {
	if opts.Names != "" {
		return runAnonymized(ctx, clusters, opts, progress)
	}
	opts = opts.withDefaults()
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, opts.Timeout, errRunTimeout)
	defer cancel()
	runs, err := runsOf(clusters, opts, progress)
	if err != nil {
		return nil, err
	}
	header, err := probeAll(ctx, runs)
	if err != nil {
		return nil, err
	}
	w, err := bundle.Create(opts.Output, bundle.CreateOptions{
		Force: opts.Force, Header: header, KeepPEM: opts.KeepPEM, Stdout: opts.Stdout, Recipients: opts.Recipients,
	})
	if err != nil {
		return nil, err
	}
	failed := make([]error, len(runs))
	each(runs, func(i int, r *run) {
		r.writeTo(w)
		if r.unreached == nil {
			failed[i] = r.collectAll(ctx)
		}
	})
	if err := errors.Join(failed...); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	for _, r := range runs {
		if err := r.record.failure(); err != nil {
			return nil, errors.Join(fmt.Errorf("write the bundle: %w", err), w.Abort())
		}
	}
	final := finalOf(ctx, runs)
	if err := w.Close(final); err != nil {
		return nil, err
	}
	return summaryOf(runs, opts.Output, w.Size(), final, time.Since(began)), nil
}

// run is one cluster's collection under way: its rooms, and the order in which they are used.
type run struct {
	opts     Options
	dir      string // of the cluster's entries, "" in a bundle of one
	api      *api
	progress Progress
	clock    clock

	survey    *survey    // what was found
	observed  *observed  // what answers told since
	rights    *rights    // what may be asked
	scope     *scope     // what was asked for,
	budget    *budget    // what it weighs,
	guard     *guard     // what processes live through,
	selection *selection // and what of all that is worth asking
	objects   *objectCollector
	pods      *podCollector
	record    *record // what was asked, and how it ended

	reviewed  []bundle.Right // the rights that the plan needs
	unreached error          // why the cluster did not answer at all
}

func newRun(config *rest.Config, dir string, opts Options, progress Progress) (*run, error) {
	opts = opts.withDefaults()
	a, err := newAPI(config)
	if err != nil {
		return nil, err
	}
	a.idleTimeout = opts.RequestTimeout
	r := &run{opts: opts, dir: dir, api: a, progress: progress, observed: newObserved(opts), survey: newSurvey(dir, opts), record: newRecord(dir, progress)}
	r.rights = newRights(a, opts.Concurrency)
	r.scope = &scope{opts: opts, survey: r.survey, rights: r.rights}
	r.budget = &budget{opts: opts, survey: r.survey, observed: r.observed, rationed: map[string]string{}}
	r.guard = newGuard(opts.ForceDump, r.survey, r.budget)
	r.selection = &selection{opts: opts, survey: r.survey, rights: r.rights, scope: r.scope, budget: r.budget, guard: r.guard, cost: a.cost}
	r.objects = &objectCollector{opts: opts, dir: dir, api: a, survey: r.survey, scope: r.scope, selection: r.selection, guard: r.guard, record: r.record}
	r.pods = &podCollector{
		opts: opts, api: a, reach: &reach{}, survey: r.survey, observed: r.observed, selection: r.selection, budget: r.budget, guard: r.guard,
		record: r.record, metricLines: newMetricLines(), rereadPods: map[string]bool{},
	}
	return r, nil
}

// writeTo tells the rooms where the answers go, once the cluster's time is known.
func (r *run) writeTo(w *bundle.Writer) {
	r.record.bundle, r.record.clock = w, r.clock
	r.objects.bundle, r.objects.clock = w, r.clock
	r.pods.bundle, r.pods.clock = w, r.clock
}

// probeServer asks the API server for its version and time. Without an answer there
// is no cluster to collect from.
func (r *run) probeServer(ctx context.Context) (bundle.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.RequestTimeout)
	defer cancel()
	resp, err := r.api.once(ctx, "/version", nil) // one attempt: who waits here wants to know
	if err != nil && !isForbidden(err) {
		return bundle.Header{}, fmt.Errorf("reach the API server at %s: %w (check the context, the network or VPN, and that kubectl version answers)", r.api.base.Host, err)
	}
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	var date time.Time
	if err == nil {
		defer resp.Body.Close()
		date = dateOf(resp.Header)
		if err := json.NewDecoder(io.LimitReader(resp.Body, mb)).Decode(&version); err != nil {
			return bundle.Header{}, fmt.Errorf("%s does not answer like a Kubernetes API server: %w", r.api.base.Host, err)
		}
	}
	r.clock = newClock(date, time.Now())
	return bundle.Header{
		Tool: r.opts.Tool, Started: r.clock.start, Shard: r.opts.Shard,
		Cluster: bundle.Cluster{Context: r.opts.Context, Server: r.api.base.Host, Version: version.GitVersion},
		Options: map[string]string{
			"timeout": r.opts.Timeout.String(), "request-timeout": r.opts.RequestTimeout.String(), "concurrency": fmt.Sprint(r.opts.Concurrency),
		},
	}, nil
}

// interrupted is why a run that was ended early is incomplete.
const interrupted = "interrupted"

func (r *run) final(ctx context.Context) bundle.Final {
	f := bundle.Final{
		Complete: true, Captured: r.clock.start, ClockSource: r.clock.source, Finished: r.clock.now(),
		Discovery: discovered(r.survey.targets), Redactions: r.record.redactions(), Rights: r.reviewed,
		Cost: bundle.Cost{Requests: r.api.cost.requests.Load(), Bytes: r.api.cost.bytes.Load()},
	}
	switch {
	case errors.Is(context.Cause(ctx), ErrInterrupted):
		f.Complete, f.Incomplete = false, interrupted
	case ctx.Err() != nil:
		f.Complete, f.Incomplete = false, fmt.Sprintf("the run's time of %s was up", r.opts.Timeout)
	case !slices.ContainsFunc(r.survey.targets, func(t target) bool { return t.kind == kindZtunnel }):
		f.Complete, f.Incomplete = false, "no ztunnel was found"
	case slices.ContainsFunc(r.record.ended(), func(t bundle.Task) bool { return !t.Status.Complete() }):
		f.Complete, f.Incomplete = false, "some tasks failed"
	}
	return f
}
