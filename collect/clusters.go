package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// runsOf makes a run of each cluster. Of several, each has a folder of its own.
func runsOf(clusters []Cluster, opts Options, progress Progress) ([]*run, error) {
	total := &total{}
	folders := map[string]string{}
	var runs []*run
	for _, c := range clusters {
		dir := ""
		if len(clusters) > 1 {
			dir = layout.ClusterDir(c.Context)
			if other, taken := folders[dir]; taken {
				return nil, fmt.Errorf("the contexts %q and %q would have the same folder in the bundle", other, c.Context)
			}
			folders[dir] = c.Context
		}
		opts.Context = c.Context
		r, err := newRun(c.Config, dir, opts, &share{Progress: progress, of: total})
		if err != nil {
			return nil, err
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

// probeAll makes the bundle's header. It is an error if no cluster answers.
func probeAll(ctx context.Context, runs []*run) (bundle.Header, error) {
	headers := make([]bundle.Header, len(runs))
	each(runs, func(i int, r *run) { headers[i], r.unreached = r.probeServer(ctx) })
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
