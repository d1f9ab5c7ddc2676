package load

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// mostClusters bounds how many clusters one bundle can hold.
const mostClusters = 100

// clusters reads a bundle of one cluster or of several: each has a loader of
// its own, and what stands outside of their folders is common to all.
type clusters struct {
	common
	by    map[string]*loader // by folder, "" in a bundle of one
	order []string
}

// common is what the loaders of all clusters share.
type common struct {
	summary *Summary
	views   map[string]any // parsed sections by the entry that holds them
	specs   *int           // kept, by what they cost
	logs    *logQueue
	lines   *lineReader
}

// Mesh reads all of src. What can't be read is a problem of the summary and
// makes rules undecided; the error is for a source that can't be walked at
// all. Of several clusters the first is returned, and the others are its peers.
func Mesh(ctx context.Context, src Source) (*mesh.Mesh, *Summary, error) {
	c := &clusters{
		common: common{summary: &Summary{Origins: map[string]string{}}, views: map[string]any{}, specs: new(int), logs: &logQueue{}, lines: &lineReader{}},
		by:     map[string]*loader{},
	}
	err := src.Walk(ctx, func(f bundle.File) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.file(f)
		return nil
	})
	c.logs.finish()
	if err != nil {
		return nil, nil, err
	}
	c.summary.Problems = append(c.summary.Problems, src.Problems()...)
	return c.finish(), c.summary, nil
}

// file gives an entry to the loader of its cluster.
func (c *clusters) file(f bundle.File) {
	at := layout.Parse(f.Path)
	l := c.of(at.Cluster)
	if l == nil {
		c.of("").problem(f.Path, fmt.Errorf("is of more than %d clusters, which no mesh has", mostClusters))
		return
	}
	l.file(f, at)
}

// of is the loader of a cluster, nil for one too many.
func (c *clusters) of(dir string) *loader {
	l := c.by[dir]
	if l == nil && len(c.by) <= mostClusters {
		l = newLoader(dir, c.common)
		c.by[dir] = l
		c.order = append(c.order, dir)
	}
	return l
}

// finish puts each cluster's planes together, and then the clusters.
func (c *clusters) finish() *mesh.Mesh {
	named := map[string]string{}
	if h := c.summary.Header; h != nil {
		for _, one := range h.Clusters[:min(len(h.Clusters), mostClusters)] {
			if one.Dir != "" && c.of(one.Dir) != nil { // it may have brought nothing
				named[one.Dir] = one.Context
			}
		}
	}
	if len(c.by) > 1 && c.by[""].empty() {
		c.order = slices.DeleteFunc(c.order, func(dir string) bool { return dir == "" })
	}
	slices.Sort(c.order)
	var all []*mesh.Mesh
	for _, dir := range c.order {
		l := c.by[dir]
		l.finish()
		if dir != "" {
			l.mesh.Cluster = cmp.Or(named[dir], layout.ClusterName(dir))
		}
		all = append(all, l.mesh)
	}
	if len(all) == 0 {
		l := newLoader("", c.common)
		l.finish()
		return l.mesh
	}
	mesh.JoinClusters(all)
	return all[0]
}

// empty is true where nothing of a cluster was read.
func (l *loader) empty() bool {
	if l == nil {
		return true
	}
	m := l.mesh
	return len(l.ztunnels.by)+len(l.istiods.by)+len(l.cnis.by)+len(m.Pods)+len(m.Nodes)+len(m.Services) == 0
}
