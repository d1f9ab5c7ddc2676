package collect

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// objectCollector asks the API server for the objects around the mesh.
type objectCollector struct {
	opts      Options
	dir       string // of the cluster's entries, "" in a bundle of one
	api       *api
	survey    *survey
	scope     *scope
	selection *selection
	guard     *guard
	record    *record
	bundle    *bundle.Writer
	clock     clock
}

// collect takes one kind of object into its entry.
func (c *objectCollector) collect(ctx context.Context, task task) {
	if task.form == asUse {
		c.memory(ctx, task)
		return
	}
	base := c.survey.served.path(task.resource)
	record := c.record.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	timeout := c.objectsTimeout()
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := errAbsent
	if base != "" {
		record.Status, record.Reason = c.selection.leftOut(task, target{kind: kindCluster})
		switch {
		case record.Status != "":
			err = nil
		case task.form == asNames:
			err = c.names(taskCtx, base, task, record)
		default:
			err = c.list(taskCtx, base, task, record)
			c.narrowed(task)
		}
	}
	c.record.end(ctx, record, err, timeout)
}

// objectsTimeout bounds the listing of one kind, which has several pages.
func (c *objectCollector) objectsTimeout() time.Duration { return c.opts.RequestTimeout * 4 }

func (c *objectCollector) list(ctx context.Context, base string, task task, record *bundle.Task) error {
	entry := c.bundle.Spool(bundle.NewEntry{Path: path.Join(c.dir, layout.Objects(task.group, task.name)), Task: task.id, ModTime: c.clock.now()})
	l := &listed{w: entry, task: task, each: c.survey.observer(task)}
	lacking := c.scope.allowedLists(task, l)
	err := c.api.list(ctx, base, l)
	if task.id == podsTask {
		c.survey.podBytes = l.bytes
	}
	record.Bytes = l.bytes
	c.record.count(task.id, l.removed)
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
		_, reason := outcome(ctx, err, c.opts.RequestTimeout)
		record.Status, record.Reason = bundle.StatusTruncated, fmt.Sprintf("only %d objects could be read: %s", l.count, reason)
	} else if lacking != "" {
		record.Status, record.Reason = bundle.StatusTruncated, lacking
		c.record.markRead(record) // these namespaces can be compared later
	}
	return nil
}
