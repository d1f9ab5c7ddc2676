package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// Cluster is one to collect from.
type Cluster struct {
	Context string // its name, in the bundle's header
	Config  *rest.Config
}

// Run collects one cluster into opts.Output. What can't be had is recorded in
// the bundle and does not fail the run; the error is for a cluster that can't
// be reached at all, or a bundle that can't be written. Cancel ctx with
// ErrInterrupted to end early with what is there.
func Run(ctx context.Context, config *rest.Config, opts Options, progress Progress) (*Summary, error) {
	return RunClusters(ctx, []Cluster{{Context: opts.Context, Config: config}}, opts, progress)
}

// RunClusters collects several clusters of one mesh into one bundle, at the
// same time. Of several, one that can't be reached is recorded as well.
func RunClusters(ctx context.Context, clusters []Cluster, opts Options, progress Progress) (*Summary, error) {
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
	header, err := meetAll(ctx, runs)
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
		r.bundle = w
		if r.unreached == nil {
			failed[i] = r.everything(ctx)
		}
	})
	if err := errors.Join(failed...); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	for _, r := range runs {
		if r.fatal != nil {
			return nil, errors.Join(fmt.Errorf("write the bundle: %w", r.fatal), w.Abort())
		}
	}
	final := finalOf(ctx, runs)
	if err := w.Close(final); err != nil {
		return nil, err
	}
	return together(runs).summary(final, time.Since(began)), nil
}

// runsOf makes a run of each cluster. Of several, each has a folder of its own.
func runsOf(clusters []Cluster, opts Options, progress Progress) ([]*run, error) {
	total := &total{}
	folders := map[string]string{}
	var runs []*run
	for _, c := range clusters {
		r, err := newRun(c.Config, opts, &share{Progress: progress, of: total})
		if err != nil {
			return nil, err
		}
		r.opts.Context = c.Context
		if len(clusters) > 1 {
			r.dir = layout.ClusterDir(c.Context)
			if other, taken := folders[r.dir]; taken {
				return nil, fmt.Errorf("the contexts %q and %q would have the same folder in the bundle", other, c.Context)
			}
			folders[r.dir] = c.Context
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// each does for all runs at once what they do.
func each(runs []*run, do func(i int, r *run)) {
	var all sync.WaitGroup
	for i, r := range runs {
		all.Go(func() { do(i, r) })
	}
	all.Wait()
}

// meetAll makes the bundle's header. It is an error if no cluster answers.
func meetAll(ctx context.Context, runs []*run) (bundle.Header, error) {
	headers := make([]bundle.Header, len(runs))
	each(runs, func(i int, r *run) { headers[i], r.unreached = r.meet(ctx) })
	if len(runs) == 1 {
		return headers[0], runs[0].unreached
	}
	for _, r := range runs {
		if r.unreached != nil {
			r.clock = newClock(time.Time{}, time.Now())
		}
	}
	var header *bundle.Header
	var clusters []bundle.Cluster
	var errs []error
	for i, r := range runs {
		c := headers[i].Cluster
		c.Context, c.Server, c.Dir = r.opts.Context, r.api.base.Host, r.dir
		clusters = append(clusters, c)
		errs = append(errs, r.unreached)
		if r.unreached == nil && header == nil {
			header = &headers[i]
		}
	}
	if header == nil {
		return bundle.Header{}, errors.Join(errs...)
	}
	header.Cluster, header.Clusters = bundle.Cluster{}, clusters
	return *header, nil
}

// finalOf is what the manifest says at the end of all runs.
func finalOf(ctx context.Context, runs []*run) bundle.Final {
	if len(runs) == 1 {
		return runs[0].final(ctx)
	}
	all := bundle.Final{Complete: true, Redactions: map[string]int{}}
	var why []string
	for _, r := range runs {
		f := r.final(ctx)
		if r.unreached != nil {
			f.Complete, f.Incomplete = false, "could not be reached: "+r.unreached.Error()
		}
		all.Clusters = append(all.Clusters, bundle.ClusterFinal{
			Dir: r.dir, Complete: f.Complete, Incomplete: f.Incomplete, Captured: f.Captured, ClockSource: f.ClockSource,
		})
		if all.Captured.IsZero() || !f.Captured.IsZero() && f.Captured.Before(all.Captured) {
			all.Captured, all.ClockSource = f.Captured, f.ClockSource
		}
		if f.Finished.After(all.Finished) {
			all.Finished = f.Finished
		}
		if !f.Complete {
			why = append(why, "cluster "+r.opts.Context+": "+f.Incomplete)
		}
		all.Discovery = append(all.Discovery, f.Discovery...)
		all.Rights = append(all.Rights, f.Rights...)
		all.Cost.Requests += f.Cost.Requests
		all.Cost.Bytes += f.Cost.Bytes
		for kind, n := range f.Redactions {
			all.Redactions[kind] += n
		}
	}
	all.Complete, all.Incomplete = len(why) == 0, strings.Join(why, "; ")
	if errors.Is(context.Cause(ctx), ErrInterrupted) {
		all.Incomplete = interrupted
	}
	return all
}

// together is what several runs found and did, to be told as one.
func together(runs []*run) *run {
	if len(runs) == 1 {
		return runs[0]
	}
	all := &run{opts: runs[0].opts, bundle: runs[0].bundle}
	for _, r := range runs {
		all.tasks = append(all.tasks, r.tasks...)
		all.targets = append(all.targets, r.targets...)
	}
	return all
}

// total is how many tasks all runs expect.
type total struct {
	mu sync.Mutex
	n  int
}

// share is one run's part in telling the progress of several.
type share struct {
	Progress
	of  *total
	own int
}

// Total implements Progress.
func (s *share) Total(n int) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.n += n - s.own
	s.own = n
	s.Progress.Total(s.of.n)
}
