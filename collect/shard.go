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

// shardTargets are the pods that this run asks.
func (s *survey) shardTargets() []target {
	var out []target
	for _, t := range s.targets {
		if s.opts.Shard.Owns(t.shardKey()) {
			out = append(out, t)
		}
	}
	return out
}

// objectsAsked are the kinds of objects that this run asks for.
func (s *scope) objectsAsked() []task {
	objects := tasksOf(target{kind: kindCluster})
	return append(slices.Clone(objects[:surveyed]), s.shardObjects(objects[surveyed:])...)
}

// shardObjects are the kinds of objects that this run keeps, and the memory in use,
// which every run has to know.
func (s *scope) shardObjects(objects []task) []task {
	var out []task
	for _, task := range objects {
		// Both looks are one shard's.
		if s.opts.Shard.Owns(layout.FirstTask(task.id)) || task.form == asUse {
			out = append(out, task)
		}
	}
	return out
}

// surveyList goes through a list that every shard needs to know, and keeps it
// where it is this run's to keep. To fail at it is every shard's own gap.
func (c *objectCollector) surveyList(ctx context.Context, task task) {
	if c.opts.Shard.Owns(task.id) {
		c.collect(ctx, task)
		return
	}
	base := c.survey.served.path(task.resource)
	timeout := c.objectsTimeout()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	record := c.record.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	if record.Status, record.Reason = c.selection.leftOut(task, target{kind: kindCluster}); record.Status != "" {
		c.record.end(ctx, record, nil, timeout)
		return
	}
	l := &listed{w: io.Discard, task: task, each: c.survey.observer(task)}
	lacking := c.scope.allowedLists(task, l)
	err := c.api.list(ctx, base, l)
	if err == nil && lacking != "" {
		record.Status, record.Reason = bundle.StatusTruncated, lacking
	}
	if err != nil || lacking != "" {
		record.Bytes = l.bytes
		c.record.end(ctx, record, err, timeout)
		return
	}
	record.Bytes = l.bytes
	c.record.drop(record)
}
