package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"github.com/zbundle/zbundle/bundle"
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

// mayDump tells whether a ztunnel can be expected to live through serving its
// config dump, and if not, why.
func (r *run) mayDump(t target) (ok bool, why string) {
	if r.opts.ForceDump {
		return true, ""
	}
	takes := servingFactor * r.dumpBytes()
	if ok, why = r.fits(t, takes); !ok {
		why += ": --force-dump asks all the same"
	}
	return ok, why
}

// spareLook tells whether an istiod can be expected to live through a second
// question for what it builds whole in its memory, and if not, why.
func (r *run) spareLook(t target) (ok bool, why string) {
	if r.opts.ForceDump {
		return true, ""
	}
	return r.fits(t, servingFactor*r.ambientzBytes())
}

// fits tells whether a container has room for so many bytes more.
func (r *run) fits(t target, takes int64) (bool, string) {
	used, known := r.use.containers[t.namespace+"/"+t.name+"/"+t.container]
	if t.memory > 0 {
		said := "uses " + Size(used)
		if !known {
			// What a process holds is of the order of what it takes to print it.
			used = takes
			said = "is taken to use " + Size(used)
		}
		if used+takes > t.memory-t.memory*spare/100 {
			return false, fmt.Sprintf("an answer may take %s more memory, and the container %s of its limit of %s", Size(takes), said, Size(t.memory))
		}
		return true, ""
	}
	free := r.survey.nodes[t.node].allocatable
	if free == 0 {
		return true, "" // nothing is known of the node
	}
	free -= r.use.nodes[t.node]
	if takes > free-free*spare/100 {
		return false, fmt.Sprintf("an answer may take %s more memory, and its node has %s free (the container has no limit)", Size(takes), Size(max(free, 0)))
	}
	return true, ""
}

// memory asks the metrics API for the memory in use. Where it does not answer,
// limits alone are judged by: nothing is missing in the bundle.
func (r *run) memory(ctx context.Context, task task) {
	base := r.served.path(task.resource)
	record := r.begin(task.id, bundle.Target{Kind: kindCluster}, "GET "+base+"/"+task.name)
	timeout := r.timeout(task)
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	why := r.forbidden(task, target{kind: kindCluster})
	switch {
	case base == "":
		record.Status, record.Reason = outcome(ctx, errAbsent, timeout)
	case why == "":
		var err error
		if record.Bytes, err = r.usage(taskCtx, base, task); err != nil {
			_, why = outcome(ctx, err, timeout)
		}
	}
	if why != "" && base != "" {
		record.Status, record.Reason = bundle.StatusSkipped, "memory in use is not known: "+why
	}
	if r.opts.Shard.Owns(task.id) {
		r.end(ctx, record, nil, timeout)
		return
	}
	r.progress.End(label(record.ID, record.Target), record.Bytes, r.bundle.Size())
}

// usage reads NodeMetrics or PodMetrics, k8s.io/metrics/pkg/apis/metrics/v1beta1.
func (r *run) usage(ctx context.Context, base string, task task) (int64, error) {
	l := &listed{w: io.Discard, task: task, namespaces: r.listedIn(task), each: func(raw []byte) bool {
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
		if !task.namespaced {
			r.use.nodes[m.Metadata.Name] = m.Usage.Memory.Value()
		}
		for _, c := range m.Containers {
			r.use.containers[m.Metadata.Namespace+"/"+m.Metadata.Name+"/"+c.Name] = c.Usage.Memory.Value()
		}
		return false
	}}
	err := r.api.list(ctx, base, l)
	return l.bytes, err
}

// soleDump waits until no other dump is asked for on a node: two ztunnels of
// different revisions may run there, and share its memory.
func (r *run) soleDump(ctx context.Context, node string) (release func(), err error) {
	r.mu.Lock()
	if r.dumping[node] == nil {
		r.dumping[node] = make(chan struct{}, 1)
	}
	turn := r.dumping[node]
	r.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
