package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// run is one collection under way.
type run struct {
	dir      string // of the cluster's entries, "" in a bundle of one
	api      *api
	opts     Options
	bundle   *bundle.Writer
	progress Progress
	clock    clock
	reach    reach
	served   groupVersions
	survey   survey
	use      inUse

	looks   *looks
	lines   *metricLines
	changes *changes
	giveUp  context.CancelFunc // ends the run: nothing can be written any more

	mu      sync.Mutex
	tasks   []bundle.Task
	targets []target
	proxied map[string][]string // ztunnels by istiod pod
	removed map[string]int
	seen    map[string]bool      // pods that were looked at twice, by label
	looked  map[string]time.Time // when what was asked that brought what it was to bring, by label
	fatal   error
	// inScope are the nodes whose agents are asked; nil stands for all.
	inScope  map[string]bool
	denied   map[right]bool
	known    map[right]bool // that were asked about
	reviewed []bundle.Right
	counted  int64                    // workloads, by istiod's own count
	active   map[string]int           // pods that each ztunnel serves, by "namespace/name"
	rationed map[string]string        // ztunnels whose dump is left out, and why
	peers    map[workload]bool        // that the ztunnels in scope count
	dumping  map[string]chan struct{} // taken while a node's ztunnel serves a dump
	// unreached is why the cluster did not answer at all.
	unreached error
}

func newRun(config *rest.Config, opts Options, progress Progress) (*run, error) {
	r := &run{
		opts: opts.withDefaults(), progress: progress, proxied: map[string][]string{}, removed: map[string]int{},
		denied: map[right]bool{}, known: map[right]bool{}, active: map[string]int{}, rationed: map[string]string{}, peers: map[workload]bool{},
		dumping: map[string]chan struct{}{}, looked: map[string]time.Time{}, seen: map[string]bool{}, lines: newMetricLines(), changes: newChanges(),
		survey: survey{nodes: map[string]node{}, enrolled: map[string]int{}, placed: map[workload]map[string]bool{}},
		use:    inUse{containers: map[string]int64{}, nodes: map[string]int64{}},
	}
	var err error
	if r.api, err = newAPI(config); err == nil {
		r.api.patience = r.opts.RequestTimeout
	}
	return r, err
}

// meet asks the API server for its version and time. Without an answer there
// is no cluster to collect from.
func (r *run) meet(ctx context.Context) (bundle.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.RequestTimeout)
	defer cancel()
	resp, err := r.api.once(ctx, "/version", nil) // one attempt: who waits here wants to know
	var refused *apiError
	if err != nil && !(errors.As(err, &refused) && refused.code == http.StatusForbidden) {
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

// objects takes one kind of object into its entry.
func (r *run) objects(ctx context.Context, task task) {
	if task.form == asUse {
		r.memory(ctx, task)
		return
	}
	base := r.served.path(task.resource)
	record := r.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	timeout := r.objectsTimeout()
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := errAbsent
	if base != "" {
		record.Status, record.Reason = r.leftOut(task, target{kind: kindCluster})
		switch {
		case record.Status != "":
			err = nil
		case task.form == asNames:
			err = r.names(taskCtx, base, task, record)
		default:
			err = r.list(taskCtx, base, task, record)
			r.narrowed(task)
		}
	}
	r.end(ctx, record, err, timeout)
}

// objectsTimeout bounds the listing of one kind, which has several pages.
func (r *run) objectsTimeout() time.Duration { return r.opts.RequestTimeout * 4 }

// count adds to what was taken out of documents of a kind.
func (r *run) count(kind string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 {
		r.removed[kind] += n
	}
}

func (r *run) list(ctx context.Context, base string, task task, record *bundle.Task) error {
	entry := r.bundle.Spool(bundle.NewEntry{Path: path.Join(r.dir, layout.Objects(task.group, task.name)), Task: task.id, ModTime: r.clock.now()})
	l := &listed{w: entry, task: task, each: r.observer(task)}
	lacking := r.lists(task, l)
	err := r.api.list(ctx, base, l)
	if task.id == podsTask {
		r.survey.bytes = l.bytes
	}
	record.Bytes = l.bytes
	r.count(task.id, l.removed)
	if err != nil && l.count == 0 {
		entry.Drop()
		return err
	}
	kept, errKeep := entry.Keep()
	if errKeep != nil {
		return errKeep
	}
	record.Entries = append(record.Entries, kept.Path)
	if err != nil {
		_, reason := outcome(ctx, err, r.opts.RequestTimeout)
		record.Status, record.Reason = bundle.StatusTruncated, fmt.Sprintf("only %d objects could be read: %s", l.count, reason)
	} else if lacking != "" {
		record.Status, record.Reason = bundle.StatusTruncated, lacking
		r.mu.Lock()
		r.looked[label(task.id, record.Target)] = record.Started // these namespaces can be compared later
		r.mu.Unlock()
	}
	return nil
}

// lists sets what a list is to ask for, without what no right is there for,
// and says which one is lacking.
func (r *run) lists(task task, l *listed) (lacking string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if task.form != asNamed {
		l.namespaces = r.listable(task)
		return r.lacking(task)
	}
	for _, x := range r.needs(task, target{kind: kindCluster}) {
		if !r.denied[x] {
			l.objects = append(l.objects, named{x.namespace, x.name})
		}
	}
	return r.lacking(task)
}

// named are the ConfigMaps that the mesh's namespaces may hold.
func (r *run) named(task task) []named {
	namespaces := r.namespacesOf(kindIstiod, kindZtunnel, kindCNI)
	if !slices.Contains(namespaces, cniNamespace) {
		namespaces = append(namespaces, cniNamespace)
	}
	var out []named
	for _, ns := range namespaces {
		for _, name := range task.names {
			if (name == ciliumConfig) == (ns == cniNamespace) {
				out = append(out, named{ns, name})
			}
		}
	}
	return out
}

// begin and end frame every task: what is recorded is what was tried.
func (r *run) begin(id string, t bundle.Target, request string) *bundle.Task {
	r.progress.Begin(label(id, t))
	t.Cluster = r.dir
	return &bundle.Task{ID: id, Target: t, Request: request, Started: r.clock.now()}
}

func label(id string, t bundle.Target) string {
	if t.Name == "" {
		return id
	}
	return id + " " + t.Name
}

func (r *run) end(ctx context.Context, task *bundle.Task, err error, timeout time.Duration) {
	if task.Status == "" || err != nil {
		task.Status, task.Reason = outcome(ctx, err, timeout)
	}
	task.DurationMS = r.clock.now().Sub(task.Started).Milliseconds()
	r.bundle.AddTask(*task)
	r.mu.Lock()
	r.tasks = append(r.tasks, *task)
	if task.Status == bundle.StatusOK {
		r.looked[label(task.ID, task.Target)] = task.Started
	}
	if err != nil && fatal(err) && r.fatal == nil {
		r.fatal = err
		r.giveUp()
	}
	r.mu.Unlock()
	r.progress.End(label(task.ID, task.Target), task.Bytes, r.bundle.Size())
}

// interrupted is why a run that was ended early is incomplete.
const interrupted = "interrupted"

func (r *run) final(ctx context.Context) bundle.Final {
	f := bundle.Final{
		Complete: true, Captured: r.clock.start, ClockSource: r.clock.source, Finished: r.clock.now(),
		Discovery: discovered(r.targets), Redactions: r.removed, Rights: r.reviewed,
		Cost: bundle.Cost{Requests: r.api.cost.requests.Load(), Bytes: r.api.cost.bytes.Load()},
	}
	switch {
	case errors.Is(context.Cause(ctx), ErrInterrupted):
		f.Complete, f.Incomplete = false, interrupted
	case ctx.Err() != nil:
		f.Complete, f.Incomplete = false, fmt.Sprintf("the run's time of %s was up", r.opts.Timeout)
	case !slices.ContainsFunc(r.targets, func(t target) bool { return t.kind == kindZtunnel }):
		f.Complete, f.Incomplete = false, "no ztunnel was found"
	case slices.ContainsFunc(r.tasks, func(t bundle.Task) bool { return !t.Status.Complete() }):
		f.Complete, f.Incomplete = false, "some tasks failed"
	}
	return f
}
