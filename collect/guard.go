package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/ui"
)

// servingFactor is how much memory serving a dump takes for a moment, by its
// size: a ztunnel 1.28.9 with 15,000 workloads went from 81 MB to 143-177 MB
// for one of 14.2 MB. istiod builds its ambientz whole in memory likewise.
const servingFactor = 5

// spare is the part of a memory limit that stays free.
const spare = 10 // percent

// inUse is what the metrics API says of memory; what it does not say is not there.
type inUse struct {
	containers map[string]int64 // by "namespace/pod/container"
	nodes      map[string]int64
}

// guard keeps processes from being asked for more than they live through.
type guard struct {
	force  bool
	survey *survey
	budget *budget
	use    inUse // known before the first pod is asked

	mu      sync.Mutex
	dumping map[string]chan struct{} // taken while a node's ztunnel serves a dump
}

func newGuard(force bool, survey *survey, budget *budget) *guard {
	return &guard{
		force: force, survey: survey, budget: budget, dumping: map[string]chan struct{}{},
		use: inUse{containers: map[string]int64{}, nodes: map[string]int64{}},
	}
}

// containerUse is the memory that a target's container uses.
func (g *guard) containerUse(t target) (n int64, known bool) {
	n, known = g.use.containers[t.namespace+"/"+t.name+"/"+t.container]
	return n, known
}

// nodeUse is the memory in use on a node, 0 where that is not known.
func (g *guard) nodeUse(name string) int64 { return g.use.nodes[name] }

// mayDump tells whether a ztunnel can be expected to live through serving its
// config dump, and if not, why.
func (g *guard) mayDump(t target) (ok bool, why string) {
	if g.force {
		return true, ""
	}
	takes := servingFactor * g.budget.dumpBytes()
	if ok, why = g.fits(t, takes); !ok {
		why += ": --force-dump asks all the same"
	}
	return ok, why
}

// canReread tells whether an istiod can be expected to live through a second
// question for what it builds whole in its memory, and if not, why.
func (g *guard) canReread(t target) (ok bool, why string) {
	if g.force {
		return true, ""
	}
	return g.fits(t, servingFactor*g.budget.ambientzBytes())
}

// fits tells whether a container has room for so many bytes more.
func (g *guard) fits(t target, takes int64) (bool, string) {
	used, known := g.containerUse(t)
	if t.memory > 0 {
		said := "uses " + ui.Size(used)
		if !known {
			// What a process holds is of the order of what it takes to print it.
			used = takes
			said = "is taken to use " + ui.Size(used)
		}
		if used+takes > t.memory-t.memory*spare/100 {
			return false, fmt.Sprintf("an answer may take %s more memory, and the container %s of its limit of %s", ui.Size(takes), said, ui.Size(t.memory))
		}
		return true, ""
	}
	free := g.survey.nodes[t.node].allocatable
	if free == 0 {
		return true, "" // nothing is known of the node
	}
	free -= g.use.nodes[t.node]
	if takes > free-free*spare/100 {
		return false, fmt.Sprintf("an answer may take %s more memory, and its node has %s free (the container has no limit)", ui.Size(takes), ui.Size(max(free, 0)))
	}
	return true, ""
}

// memory asks the metrics API for the memory in use. Where it does not answer,
// limits alone are judged by: nothing is missing in the bundle.
func (c *objectCollector) memory(ctx context.Context, task task) {
	base := c.survey.served.path(task.resource)
	record := c.record.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	timeout := c.opts.taskTimeout(task)
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	why := c.scope.forbidden(task, target{kind: kindCluster})
	switch {
	case base == "":
		record.Status, record.Reason = outcome(ctx, errAbsent, timeout)
	case why == "":
		var err error
		if record.Bytes, err = c.usage(taskCtx, base, task); err != nil {
			_, why = outcome(ctx, err, timeout)
		}
	}
	if why != "" && base != "" {
		record.Status, record.Reason = bundle.StatusSkipped, "memory in use is not known: "+why
	}
	if c.opts.Shard.Owns(task.id) {
		c.record.end(ctx, record, nil, timeout)
		return
	}
	c.record.drop(record)
}

// usage reads NodeMetrics or PodMetrics, k8s.io/metrics/pkg/apis/metrics/v1beta1.
func (c *objectCollector) usage(ctx context.Context, base string, task task) (int64, error) {
	l := &listed{w: io.Discard, task: task, namespaces: c.scope.listedIn(task), each: c.guard.noteUse}
	err := c.api.list(ctx, base, l)
	return l.bytes, err
}

// noteUse takes notice of one NodeMetrics or PodMetrics. Only the latter has containers.
func (g *guard) noteUse(raw []byte) bool {
	type usage struct {
		Memory quantity.Quantity `json:"memory"`
	}
	var m struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
		Usage      usage `json:"usage"`
		Containers []struct {
			Name  string `json:"name"`
			Usage usage  `json:"usage"`
		} `json:"containers"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return false
	}
	if m.Metadata.Namespace == "" {
		g.use.nodes[m.Metadata.Name] = m.Usage.Memory.Value()
	}
	for _, c := range m.Containers {
		g.use.containers[m.Metadata.Namespace+"/"+m.Metadata.Name+"/"+c.Name] = c.Usage.Memory.Value()
	}
	return false
}

// acquireNodeDump waits until no other dump is asked for on a node: two ztunnels of
// different revisions may run there, and share its memory.
func (g *guard) acquireNodeDump(ctx context.Context, node string) (release func(), err error) {
	g.mu.Lock()
	if g.dumping[node] == nil {
		g.dumping[node] = make(chan struct{}, 1)
	}
	turn := g.dumping[node]
	g.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
