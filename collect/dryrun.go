package collect

import (
	"context"
	"fmt"
	"io"
	"slices"

	"k8s.io/client-go/rest"
)

// DryRun prints every request that a run would make. To know them it asks for
// the API server's version and groups, and lists the pods.
func DryRun(ctx context.Context, config *rest.Config, opts Options, w io.Writer) error {
	r := &run{opts: opts.withDefaults(), progress: Quiet{}}
	var err error
	if r.api, err = newAPI(config); err != nil {
		return err
	}
	if _, err := r.meet(ctx); err != nil {
		return err
	}
	if r.served, err = r.api.groupVersions(ctx); err != nil {
		return fmt.Errorf("list the API groups: %w", err)
	}
	pods := &listed{w: io.Discard, task: tasks[0], each: r.discover}
	if err := r.api.list(ctx, r.served.path(tasks[0].resource), pods); err != nil {
		return fmt.Errorf("list the pods: %w", err)
	}
	slices.SortStableFunc(r.targets, byRank)
	fmt.Fprintln(w, "GET /version\nGET /apis")
	for i, task := range tasksOf(target{kind: kindCluster}) {
		if i > 0 && !r.opts.Shard.Owns(task.id) {
			continue // another shard's
		}
		base := r.served.path(task.resource)
		if base == "" {
			fmt.Fprintf(w, "# %s is not served by this cluster\n", task.id)
			continue
		}
		if task.form == asList || task.form == asNames {
			fmt.Fprintf(w, "GET %s/%s?limit=%d\n", base, task.name, pageSize)
			continue
		}
		for _, name := range r.configMaps(task.names) {
			fmt.Fprintf(w, "GET %s/%s\n", base, name)
		}
	}
	for _, t := range r.mine() {
		if !t.running {
			fmt.Fprintf(w, "# %s is not running: %s\n", t, t.why)
		}
		for _, task := range tasksOf(t) {
			suffix := ""
			if task.form == perProxy {
				suffix = ", for each ztunnel that it serves"
			}
			fmt.Fprintln(w, request(task, t)+suffix)
		}
	}
	return nil
}
