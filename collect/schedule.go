package collect

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zbundle/zbundle/bundle"
)

// everything runs all tasks. Pods come first, since they tell what the mesh
// is made of; istiods next, since they tell which ztunnels they serve. What
// changes by the second is looked at again when all else is done: what was
// under way in between shows by that.
func (r *run) everything(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.giveUp = cancel
	if served, err := r.api.groupVersions(ctx); err == nil {
		r.served = served
	}
	objects := tasksOf(target{kind: kindCluster})
	r.progress.Total(len(objects))
	r.pods(ctx, objects[0])
	slices.SortStableFunc(r.targets, byRank)
	objects = r.mineOf(objects[1:])
	r.progress.Total(1 + len(objects) + r.expected())
	r.first(ctx, objects)
	r.second(ctx, objects)
}

// workers run jobs, so many at once.
func (r *run) workers(jobs []func()) {
	work := make(chan func())
	var workers sync.WaitGroup
	for range r.opts.Concurrency {
		workers.Go(func() {
			for job := range work {
				job()
			}
		})
	}
	for _, job := range jobs {
		work <- job
	}
	close(work)
	workers.Wait()
}

// first asks everything once, istiods before all else.
func (r *run) first(ctx context.Context, objects []task) {
	istiods := 0
	var jobs, rest []func()
	for _, t := range r.mine() {
		job := func() { r.pod(ctx, t) }
		if t.kind == kindIstiod {
			istiods++
			jobs = append(jobs, job)
			continue
		}
		rest = append(rest, job)
	}
	for _, task := range objects {
		if !task.again {
			jobs = append(jobs, func() { r.objects(ctx, task) })
		}
	}
	looks, done := newLooks(ctx, istiods, min(longestLook, r.opts.RequestTimeout))
	defer done()
	r.looks = looks
	r.workers(append(jobs, rest...))
}

// longestLook is how long ztunnels' dumps wait for the first looks at the
// istiods: one that hangs must not hold them up.
const longestLook = 10 * time.Second

// looks are the first looks at the istiods' state, before which no ztunnel is
// asked for its own: else a change in between would look like a difference.
type looks struct {
	mu   sync.Mutex
	left int
	over context.Context
	end  context.CancelFunc
}

func newLooks(ctx context.Context, istiods int, longest time.Duration) (*looks, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	l := &looks{left: istiods, over: ctx, end: cancel}
	if istiods == 0 {
		cancel()
	}
	return l, cancel
}

// taken says that one istiod's state was read, or could not be.
func (l *looks) taken() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left == 0 {
		l.end()
	}
}

// wait returns when all are taken, or have had their time.
func (l *looks) wait() { <-l.over.Done() }

// second asks again what changes by the second.
func (r *run) second(ctx context.Context, objects []task) {
	jobs := []func(){}
	for _, task := range objects {
		if task.again {
			jobs = append(jobs, func() { r.objects(ctx, task) })
		}
	}
	revisions := map[string]string{}
	for _, t := range r.mine() {
		if t.kind == kindIstiod && revisions[t.revision] == "" && r.lookedAt(ambientTask, t) {
			revisions[t.revision] = t.name
		}
	}
	for _, t := range r.mine() {
		jobs = append(jobs, func() { r.again(ctx, t, revisions[t.revision]) })
	}
	r.workers(jobs)
}

// again asks one pod what it answered before. Of an istiod's own state only
// one replica of each revision is asked: it makes its answer up in its memory,
// and all replicas hold the same.
func (r *run) again(ctx context.Context, t target, replica string) {
	client := &podClient{api: r.api, reach: &r.reach, target: t, patience: r.opts.RequestTimeout}
	defer client.close()
	for _, task := range tasksOf(t) {
		if !task.again {
			continue
		}
		before := strings.TrimSuffix(task.id, secondLook)
		why := ""
		switch {
		case !r.lookedAt(before, t):
			why = "there was no first answer to compare with"
		case before == ambientTask && t.name != replica:
			why = "istiod " + replica + " of the same revision was looked at again"
		case before == ambientTask:
			if ok, reason := spareLook(t); !ok {
				why = reason
			}
		}
		if why != "" {
			record := r.begin(task.id, t.entry(), request(task, t))
			record.Status, record.Reason = bundle.StatusSkipped, why
			r.end(ctx, record, nil, 0)
			continue
		}
		if task.file == path.Join(secondDir, metricsFile) {
			r.pause(ctx, before, t)
		}
		r.podTask(ctx, client, task)
	}
}

// pause waits until counters have had time to count.
func (r *run) pause(ctx context.Context, id string, t target) {
	r.mu.Lock()
	due := r.looked[label(id, t.entry())].Add(r.opts.MetricsInterval)
	r.mu.Unlock()
	timer := time.NewTimer(due.Sub(r.clock.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// lookedAt is true of a task that brought what it was to bring.
func (r *run) lookedAt(id string, t target) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.looked[label(id, t.entry())]
	return ok
}

// spareLook says whether istiod can be asked a second time, and if not why.
func spareLook(target) (ok bool, why string) { return true, "" }

// expected counts the requests to pods that are known beforehand.
func (r *run) expected() int {
	n := 0
	for _, t := range r.mine() {
		for _, task := range tasksOf(t) {
			if task.form != perProxy {
				n++
			}
		}
	}
	return n
}

// byRank puts istiods first: what each serves is asked once all of it is known.
func byRank(a, b target) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.node, b.node), cmp.Compare(a.name, b.name))
}

func rank(t target) int {
	return slices.Index([]string{kindIstiod, kindZtunnel, kindCNI, kindWaypoint, kindGateway}, t.kind)
}

// Second looks stand beside the first ones, in a folder of their own.
const (
	secondLook  = "-after"
	secondDir   = "after"
	metricsFile = "metrics.txt"
)

// secondLooks are the tasks of first looks that are asked again.
func secondLooks(first []task) []task {
	var out []task
	for _, t := range first {
		if !slices.Contains([]string{syncTask, ambientTask, "istiod/connections"}, t.id) && t.file != metricsFile || t.kind == kindCNI {
			continue
		}
		t.id, t.file, t.again = t.id+secondLook, path.Join(secondDir, t.file), true
		out = append(out, t)
	}
	return out
}
