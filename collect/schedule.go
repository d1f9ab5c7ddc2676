package collect

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// everything runs all tasks. Pods come first, since they tell what the mesh
// is made of; istiods next, since they tell which ztunnels they serve. What
// changes by the second is looked at again when all else is done: what was
// under way in between shows by that. An error is one of the scope that was asked for.
func (r *run) everything(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.giveUp = cancel
	if served, err := r.api.groupVersions(ctx); err == nil {
		r.served = served
	}
	r.reviewFirst(ctx)
	objects := r.objectsAsked()
	r.progress.Total(len(objects))
	for _, task := range objects[:surveyed] {
		r.lookAt(ctx, task)
	}
	r.sortTargets()
	if err := r.settle(); err != nil {
		return err
	}
	r.review(ctx)
	r.progress.Total(len(objects) + r.expected())
	use, objects := parted(objects[surveyed:], func(t task) bool { return t.form == asUse })
	for _, task := range use {
		r.objects(ctx, task)
	}
	r.say()
	r.first(ctx, objects)
	r.second(ctx, objects)
	return nil
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
	istiods, others := parted(r.mine(), func(t target) bool { return t.kind == kindIstiod })
	looks, done := newLooks(ctx, len(istiods), min(longestLook, r.opts.RequestTimeout))
	defer done()
	r.looks = looks
	jobs := r.asked(ctx, istiods, tasksOf)
	for _, task := range objects {
		if !task.again {
			jobs = append(jobs, func() { r.objects(ctx, task) })
		}
	}
	if r.opts.For != "" {
		// The ztunnels of the workload's own nodes name its peers.
		own, rest := parted(others, func(t target) bool { return t.kind == kindZtunnel && r.outOfScope(t) == "" })
		r.workers(append(jobs, r.asked(ctx, own, tasksOf)...))
		r.widen()
		jobs, others = nil, rest
	}
	if !r.overBudget() {
		r.workers(append(jobs, r.asked(ctx, others, tasksOf)...))
		return
	}
	// Small answers tell who is sick, whose dumps come first.
	isDump := func(t task) bool { return t.form == asDump }
	r.workers(append(jobs, r.asked(ctx, others, func(t target) []task { _, small := parted(tasksOf(t), isDump); return small })...))
	r.ration(r.spent())
	r.workers(r.asked(ctx, others, func(t target) []task { dumps, _ := parted(tasksOf(t), isDump); return dumps }))
}

// asked are the jobs to ask pods for some of what the table says.
func (r *run) asked(ctx context.Context, ts []target, of func(target) []task) []func() {
	var jobs []func()
	for _, t := range ts {
		jobs = append(jobs, func() { r.pod(ctx, t, of(t)) })
	}
	return jobs
}

func parted[T any](list []T, is func(T) bool) (yes, no []T) {
	for _, v := range list {
		if is(v) {
			yes = append(yes, v)
		} else {
			no = append(no, v)
		}
	}
	return yes, no
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
	for _, t := range r.mine() {
		if !r.twice(t) {
			jobs = append(jobs, func() { r.again(ctx, t, r.replica(t.revision)) })
		}
	}
	r.workers(jobs)
}

// replica is the istiod of a revision that is asked again: the first that is
// ready, which every shard takes for the same, or else the first that answered.
func (r *run) replica(revision string) string {
	answered := ""
	for _, t := range r.targets {
		if t.kind != kindIstiod || t.revision != revision {
			continue
		}
		mine := r.opts.Shard.Owns(t.shardKey())
		if t.running && t.ready && (!mine || r.lookedAt(ambientTask, t)) {
			return t.name
		}
		if answered == "" && r.lookedAt(ambientTask, t) {
			answered = t.name
		}
	}
	return answered
}

// again asks one pod what it answered before. Of an istiod's own state only
// one replica of each revision is asked: it makes its answer up in its memory,
// and all replicas hold the same.
func (r *run) again(ctx context.Context, t target, replica string) {
	client := &podClient{api: r.api, reach: &r.reach, target: t, patience: r.opts.RequestTimeout}
	defer client.close()
	for _, task := range againOf(t) {
		before := layout.FirstTask(task.id)
		why := ""
		switch {
		case !r.lookedAt(before, t):
			why = "there was no first answer to compare with"
		case before == ambientTask && t.name != replica:
			why = "istiod " + replica + " of the same revision was looked at again"
		case before == ambientTask:
			if ok, reason := r.spareLook(t); !ok {
				why = reason
			}
		}
		if why != "" {
			record := r.begin(task.id, t.entry(), request(task, t))
			record.Status, record.Reason = bundle.StatusSkipped, why
			r.end(ctx, record, nil, 0)
			continue
		}
		if task.file == layout.AfterFile(layout.Metrics) {
			r.pause(ctx, before, t)
		}
		r.podTask(ctx, client, task)
	}
}

// takeDueLook takes the second look before a visit ends, where that took so
// long that it is due: it needs no connection of its own then. istiods' looks
// come when all else is done.
func (r *run) takeDueLook(ctx context.Context, c *podClient) {
	if c.target.kind == kindIstiod || r.twice(c.target) {
		return
	}
	tasks := againOf(c.target)
	for _, task := range tasks {
		before := layout.FirstTask(task.id)
		if !r.lookedAt(before, c.target) || r.due(before, c.target).After(r.clock.now()) {
			return
		}
	}
	for _, task := range tasks {
		r.podTask(ctx, c, task)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[c.target.String()] = true
}

// twice is true of a pod that was looked at again already.
func (r *run) twice(t target) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[t.String()]
}

// againOf are the tasks of a pod's second look.
func againOf(t target) []task {
	again, _ := parted(tasksOf(t), func(t task) bool { return t.again })
	return again
}

// due is when counters have had time to count.
func (r *run) due(id string, t target) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looked[label(id, t.entry())].Add(r.opts.MetricsInterval)
}

// pause waits until the second look is due.
func (r *run) pause(ctx context.Context, id string, t target) {
	due := r.due(id, t)
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

// secondLooks are the tasks of first looks that are asked again.
func secondLooks(first []task) []task {
	var out []task
	for _, t := range first {
		if !slices.Contains([]string{syncTask, ambientTask, layout.IstiodConnections.Task()}, t.id) && t.file != layout.Metrics || t.kind == kindCNI {
			continue
		}
		t.id, t.file, t.again = layout.AfterTask(t.id), layout.AfterFile(t.file), true
		out = append(out, t)
	}
	return out
}
