package collect

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// collectAll runs all tasks. Pods come first, since they tell what the mesh
// is made of; istiods next, since they tell which ztunnels they serve. What
// changes by the second is looked at again when all else is done: what was
// under way in between shows by that. An error is one of the scope that was asked for.
func (r *run) collectAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.record.giveUp = cancel
	if served, err := r.api.groupVersions(ctx); err == nil {
		r.survey.served = served
	}
	r.reviewFirst(ctx)
	objects := r.scope.objectsAsked()
	r.progress.Total(len(objects))
	for _, task := range objects[:surveyed] {
		r.objects.surveyList(ctx, task)
	}
	r.survey.sortTargets()
	if err := r.scope.resolve(); err != nil {
		return err
	}
	r.review(ctx)
	r.progress.Total(len(objects) + r.selection.expected())
	use, objects := partition(objects[surveyed:], func(t task) bool { return t.form == asUse })
	for _, task := range use {
		r.objects.collect(ctx, task)
	}
	r.announce()
	r.firstPass(ctx, objects)
	r.secondPass(ctx, objects)
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

// firstPass asks everything once, istiods before all else.
func (r *run) firstPass(ctx context.Context, objects []task) {
	istiods, others := partition(r.survey.shardTargets(), func(t target) bool { return t.kind == kindIstiod })
	looks := newFirstLooks(len(istiods), min(longestLook, r.opts.RequestTimeout))
	defer looks.stop()
	r.pods.firstLooks = looks
	jobs := r.jobs(ctx, istiods, tasksOf)
	for _, task := range objects {
		if !task.again {
			jobs = append(jobs, func() { r.objects.collect(ctx, task) })
		}
	}
	if r.opts.For != "" {
		// The ztunnels of the workload's own nodes name its peers.
		own, rest := partition(others, func(t target) bool { return t.kind == kindZtunnel && r.scope.outOfScope(t) == "" })
		r.workers(append(jobs, r.jobs(ctx, own, tasksOf)...))
		r.scope.widen(r.observed.connectedPeers())
		jobs, others = nil, rest
	}
	if !r.selection.overBudget() {
		r.workers(append(jobs, r.jobs(ctx, others, tasksOf)...))
		return
	}
	// Small answers tell who is sick, whose dumps come first.
	isDump := func(t task) bool { return t.form == asDump }
	r.workers(append(jobs, r.jobs(ctx, others, func(t target) []task { _, small := partition(tasksOf(t), isDump); return small })...))
	r.budget.ration(r.selection.spent(), r.scope)
	r.workers(r.jobs(ctx, others, func(t target) []task { dumps, _ := partition(tasksOf(t), isDump); return dumps }))
}

// jobs are those that ask pods for some of what the table says.
func (r *run) jobs(ctx context.Context, ts []target, of func(target) []task) []func() {
	var jobs []func()
	for _, t := range ts {
		jobs = append(jobs, func() { r.pods.collect(ctx, t, of(t)) })
	}
	return jobs
}

func partition[T any](list []T, is func(T) bool) (yes, no []T) {
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

// firstLooks are the first looks at the istiods' state, before which no ztunnel
// is asked for its own: else a change in between would look like a difference.
type firstLooks struct {
	left  atomic.Int64
	ended sync.Once
	done  chan struct{} // closed when all are taken, or have had their time
	timer *time.Timer
}

func newFirstLooks(istiods int, longest time.Duration) *firstLooks {
	l := &firstLooks{done: make(chan struct{})}
	l.left.Store(int64(istiods))
	l.timer = time.AfterFunc(longest, l.end)
	if istiods == 0 {
		l.end()
	}
	return l
}

// taken says that one istiod's state was read, or could not be.
func (l *firstLooks) taken() {
	if l.left.Add(-1) == 0 {
		l.end()
	}
}

// end lets all go on that wait.
func (l *firstLooks) end() { l.ended.Do(func() { close(l.done) }) }

// stop ends the waiting for good.
func (l *firstLooks) stop() {
	l.timer.Stop()
	l.end()
}

// wait returns when all are taken, have had their time, or ctx has ended.
func (l *firstLooks) wait(ctx context.Context) {
	select {
	case <-l.done:
	case <-ctx.Done():
	}
}

// secondPass asks again what changes by the second.
func (r *run) secondPass(ctx context.Context, objects []task) {
	jobs := []func(){}
	for _, task := range objects {
		if task.again {
			jobs = append(jobs, func() { r.objects.collect(ctx, task) })
		}
	}
	for _, t := range r.survey.shardTargets() {
		if !r.pods.wasReread(t) {
			jobs = append(jobs, func() { r.pods.reread(ctx, t, r.pods.replica(t.revision)) })
		}
	}
	r.workers(jobs)
}

// replica is the istiod of a revision that is asked again: the first that is
// ready, which every shard takes for the same, or else the first that answered.
func (p *podCollector) replica(revision string) string {
	answered := ""
	for _, t := range p.survey.targets {
		if t.kind != kindIstiod || t.revision != revision {
			continue
		}
		ours := p.opts.Shard.Owns(t.shardKey())
		if t.running && t.ready && (!ours || p.record.lookedAt(ambientTask, t)) {
			return t.name
		}
		if answered == "" && p.record.lookedAt(ambientTask, t) {
			answered = t.name
		}
	}
	return answered
}

// reread asks one pod what it answered before. Of an istiod's own state only
// one replica of each revision is asked: it makes its answer up in its memory,
// and all replicas hold the same.
func (p *podCollector) reread(ctx context.Context, t target, replica string) {
	client := p.client(t)
	defer client.close()
	for _, task := range againOf(t) {
		before := layout.FirstTask(task.id)
		why := ""
		switch {
		case !p.record.lookedAt(before, t):
			why = "there was no first answer to compare with"
		case before == ambientTask && t.name != replica:
			why = "istiod " + replica + " of the same revision was looked at again"
		case before == ambientTask:
			if ok, reason := p.guard.canReread(t); !ok {
				why = reason
			}
		}
		if why != "" {
			record := p.record.begin(task.id, t.entry(), request(task, t))
			record.Status, record.Reason = bundle.StatusSkipped, why
			p.record.end(ctx, record, nil, 0)
			continue
		}
		if task.file == layout.AfterFile(layout.Metrics) {
			p.pause(ctx, before, t)
		}
		p.podTask(ctx, client, task)
	}
}

// takeDueLook takes the second look before a visit ends, where that took so
// long that it is due: it needs no connection of its own then. istiods' looks
// come when all else is done.
func (p *podCollector) takeDueLook(ctx context.Context, c *podClient) {
	if c.target.kind == kindIstiod || p.wasReread(c.target) {
		return
	}
	tasks := againOf(c.target)
	for _, task := range tasks {
		before := layout.FirstTask(task.id)
		if !p.record.lookedAt(before, c.target) || p.record.due(before, c.target, p.opts.MetricsInterval).After(p.clock.now()) {
			return
		}
	}
	for _, task := range tasks {
		p.podTask(ctx, c, task)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rereadPods[c.target.String()] = true
}

// wasReread is true of a pod that was looked at again already.
func (p *podCollector) wasReread(t target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rereadPods[t.String()]
}

// againOf are the tasks of a pod's second look.
func againOf(t target) []task {
	again, _ := partition(tasksOf(t), func(t task) bool { return t.again })
	return again
}

// pause waits until the second look is due.
func (p *podCollector) pause(ctx context.Context, id string, t target) {
	due := p.record.due(id, t, p.opts.MetricsInterval)
	timer := time.NewTimer(due.Sub(p.clock.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
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
