package collect

import (
	"context"
	"io"
	"slices"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// What one of several shards takes: the pods of its nodes, and of istiods,
// gateways and kinds of objects its part. All of them look at all pods and nodes,
// since these tell what the mesh is made of; one of them keeps each list.

// shardKey is what decides whose a pod is: a node's pods stay together.
func (t target) shardKey() string {
	if t.kind == kindZtunnel || t.kind == kindCNI {
		return "node/" + t.node
	}
	return t.kind + "/" + t.namespace + "/" + t.name
}

// mine are the pods that this run asks.
func (r *run) mine() []target {
	var out []target
	for _, t := range r.targets {
		if r.opts.Shard.Owns(t.shardKey()) {
			out = append(out, t)
		}
	}
	return out
}

// objectsAsked are the kinds of objects that this run asks for.
func (r *run) objectsAsked() []task {
	objects := tasksOf(target{kind: kindCluster})
	return append(slices.Clone(objects[:surveyed]), r.mineOf(objects[surveyed:])...)
}

// mineOf are the kinds of objects that this run keeps, and the memory in use,
// which every run has to know.
func (r *run) mineOf(objects []task) []task {
	var out []task
	for _, task := range objects {
		// Both looks are one shard's.
		if r.opts.Shard.Owns(layout.FirstTask(task.id)) || task.form == asUse {
			out = append(out, task)
		}
	}
	return out
}

// lookAt goes through a list that every shard needs to know, and keeps it
// where it is this run's to keep. To fail at it is every shard's own gap.
func (r *run) lookAt(ctx context.Context, task task) {
	if r.opts.Shard.Owns(task.id) {
		r.objects(ctx, task)
		return
	}
	base := r.served.path(task.resource)
	timeout := r.objectsTimeout()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	record := r.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	if record.Status, record.Reason = r.leftOut(task, target{kind: kindCluster}); record.Status != "" {
		r.end(ctx, record, nil, timeout)
		return
	}
	l := &listed{w: io.Discard, task: task, each: r.observer(task)}
	lacking := r.lists(task, l)
	err := r.api.list(ctx, base, l)
	if err == nil && lacking != "" {
		record.Status, record.Reason = bundle.StatusTruncated, lacking
	}
	if err != nil || lacking != "" {
		record.Bytes = l.bytes
		r.end(ctx, record, err, timeout)
		return
	}
	r.progress.End(label(record.ID, record.Target), l.bytes, r.bundle.Size())
}
