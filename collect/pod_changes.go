package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// podChanges are the pods that came and went while the collection ran: what one
// plane has and another has not is no fault then.
type podChanges struct {
	listed map[string]string // "<namespace>/<name>" by uid
	came   []bundle.PodName
}

func newPodChanges() *podChanges { return &podChanges{listed: map[string]string{}} }

// before notes a pod of the first list.
func (c *podChanges) before(namespace, name, uid string) {
	c.listed[uid] = namespace + "/" + name
}

// after notes a pod of the second one.
func (c *podChanges) after(namespace, name, uid string) {
	if _, known := c.listed[uid]; known {
		delete(c.listed, uid)
		return
	}
	c.came = append(c.came, bundle.PodName{Namespace: namespace, Name: name, UID: uid})
}

// document is what the bundle holds of them, of namespaces in scope, once all were noted.
func (c *podChanges) document(inScope func(namespace string) bool) bundle.PodChanges {
	d := bundle.PodChanges{Came: c.came, Went: []bundle.PodName{}}
	if d.Came == nil {
		d.Came = []bundle.PodName{}
	}
	for uid, key := range c.listed {
		namespace, name, _ := strings.Cut(key, "/")
		d.Went = append(d.Went, bundle.PodName{Namespace: namespace, Name: name, UID: uid})
	}
	for _, list := range []*[]bundle.PodName{&d.Came, &d.Went} {
		*list = slices.DeleteFunc(*list, func(p bundle.PodName) bool { return !inScope(p.Namespace) })
		slices.SortFunc(*list, func(a, b bundle.PodName) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
		})
	}
	return d
}

// names lists the pods once more, by name, and stores which came and went.
func (c *objectCollector) names(ctx context.Context, base string, task task, record *bundle.Task) error {
	if !c.record.lookedAt(podsTask, target{kind: kindCluster}) {
		record.Status, record.Reason = bundle.StatusSkipped, "there was no first answer to compare with"
		return nil
	}
	l := &listed{task: task}
	lacking := c.scope.allowedLists(task, l)
	for _, ns := range l.namespaces {
		err := c.namesIn(ctx, listPath(base, ns, task), l)
		record.Bytes = l.bytes
		if err != nil {
			return err
		}
	}
	if lacking != "" {
		record.Status, record.Reason = bundle.StatusTruncated, lacking
	}
	entry := c.bundle.Spool(bundle.NewEntry{Path: path.Join(c.dir, layout.PodChanges), Task: task.id, ModTime: c.clock.now()})
	enc := json.NewEncoder(entry)
	enc.SetIndent("", " ")
	if err := enc.Encode(c.survey.changes.document(c.scope.keepsPodsOf)); err != nil {
		entry.Drop()
		return err
	}
	return kept(record)(entry.Keep())
}

// namesIn goes through one list of names.
func (c *objectCollector) namesIn(ctx context.Context, path string, l *listed) error {
	api := *c.api
	api.accept = namesOnly
	return api.eachPage(ctx, path, l, func(p *page) error {
		names, err := p.podNames()
		for _, n := range names {
			c.survey.changes.after(n.Namespace, n.Name, n.UID)
		}
		return err
	})
}
