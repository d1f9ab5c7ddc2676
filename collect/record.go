package collect

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zbundle/zbundle/bundle"
)

// record is what was asked and how it ended, as the manifest says it.
type record struct {
	dir      string // of the cluster's entries, "" in a bundle of one
	progress Progress
	bundle   *bundle.Writer
	clock    clock
	giveUp   context.CancelFunc // ends the run: nothing can be written any more

	mu      sync.Mutex
	tasks   []bundle.Task
	removed map[string]int
	looked  map[string]time.Time // when what was asked that brought what it was to bring, by label
	fatal   error
	// forwardDenied: some task was kept from its pod by a missing right to port-forward.
	forwardDenied bool
}

func newRecord(dir string, progress Progress) *record {
	return &record{dir: dir, progress: progress, removed: map[string]int{}, looked: map[string]time.Time{}}
}

// begin and end frame every task: what is recorded is what was tried.
func (r *record) begin(id string, t bundle.Target, request string) *bundle.Task {
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

func (r *record) end(ctx context.Context, task *bundle.Task, err error, timeout time.Duration) {
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
	var denied *forbiddenError
	if errors.As(err, &denied) {
		r.forwardDenied = true
	}
	if err != nil && fatal(err) && r.fatal == nil {
		r.fatal = err
		r.giveUp()
	}
	r.mu.Unlock()
	r.progress.End(label(task.ID, task.Target), task.Bytes, r.bundle.Size())
}

// drop ends a task that another run records.
func (r *record) drop(task *bundle.Task) {
	r.progress.End(label(task.ID, task.Target), task.Bytes, r.bundle.Size())
}

// ended are the tasks so far.
func (r *record) ended() []bundle.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tasks)
}

// lackForward notes that a task was not tried for want of the right to port-forward.
func (r *record) lackForward() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forwardDenied = true
}

// lacksForward is true where a task could not reach its pod for want of the right to port-forward.
func (r *record) lacksForward() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forwardDenied
}

// redactions counts what was taken out of documents, by kind.
func (r *record) redactions() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.removed)
}

// failure is why nothing can be written any more, nil where all can.
func (r *record) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

// markRead notes that a task brought something that a second look can be compared with.
func (r *record) markRead(task *bundle.Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked[label(task.ID, task.Target)] = task.Started
}

// count adds to what was taken out of documents of a kind.
func (r *record) count(kind string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 {
		r.removed[kind] += n
	}
}

// due is when counters have had time to count.
func (r *record) due(id string, t target, interval time.Duration) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looked[label(id, t.entry())].Add(interval)
}

// lookedAt is true of a task that brought what it was to bring.
func (r *record) lookedAt(id string, t target) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.looked[label(id, t.entry())]
	return ok
}
