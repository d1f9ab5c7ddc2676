package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/redact"
)

// pod asks one pod for some of what the table says, one request after the other.
func (r *run) pod(ctx context.Context, t target, tasks []task) {
	client := &podClient{api: r.api, reach: &r.reach, target: t, patience: r.opts.RequestTimeout}
	defer client.close()
	looking := t.kind == kindIstiod
	for _, task := range tasks {
		if task.again {
			continue
		}
		if task.form == asDump {
			r.looks.wait()
		}
		if task.form == perProxy {
			r.proxies(ctx, client, task)
			continue
		}
		r.podTask(ctx, client, task)
		if looking && task.id == ambientTask {
			looking = false
			r.looks.taken()
		}
	}
	r.takeDueLook(ctx, client)
}

// podTask runs one request and records how it ended.
func (r *run) podTask(ctx context.Context, c *podClient, task task) {
	record := r.begin(task.id, c.target.entry(), request(task, c.target))
	if record.Status, record.Reason = r.leftOut(task, c.target); record.Status != "" {
		r.end(ctx, record, nil, 0)
		return
	}
	timeout := r.timeout(task)
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var err error
	switch task.form {
	case podLog, podLogOld:
		err = r.log(taskCtx, c.target, task, record)
	default:
		err = r.fetch(taskCtx, c, task, task.path, path.Join(c.target.dir(), task.file), record)
	}
	r.end(ctx, record, err, timeout)
}

// timeout is a task's deadline. The table's are meant beside the default
// deadline of a request, and grow and shrink with it.
func (r *run) timeout(task task) time.Duration {
	factor := max(int64(task.timeout/DefaultRequestTimeout), 1)
	return r.opts.RequestTimeout * time.Duration(factor)
}

// request is how a task reads in the manifest and in a dry run.
func request(task task, t target) string {
	switch task.form {
	case podLog:
		return fmt.Sprintf("GET log of container %s of pod %s/%s", t.container, t.namespace, t.name)
	case podLogOld:
		return fmt.Sprintf("GET previous log of container %s of pod %s/%s", t.container, t.namespace, t.name)
	}
	return fmt.Sprintf("GET 127.0.0.1:%d%s through port-forward to pod %s/%s", task.port, task.path, t.namespace, t.name)
}

// fetch asks for one answer and stores it at name. An answer that breaks off
// is asked for again, while there is time.
func (r *run) fetch(ctx context.Context, c *podClient, task task, ask, name string, record *bundle.Task) error {
	attempt := 0
	err := retry(ctx, targetAttempts, func() error {
		attempt++
		return r.attempt(ctx, c, task, ask, name, record, attempt == targetAttempts)
	})
	c.ended(err)
	return err
}

// attempt is one of fetch's; of a dump, the last one keeps what there is.
func (r *run) attempt(ctx context.Context, c *podClient, task task, ask, name string, record *bundle.Task, last bool) error {
	if task.form == asDump {
		release, err := r.soleDump(ctx, c.target.node)
		if err != nil {
			return err
		}
		defer release()
	}
	resp, err := c.get(ctx, task, ask)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.via == viaProxy {
		record.Request = strings.Replace(record.Request, viaForward, "the API server's "+viaProxy, 1)
	}
	record.ClockSkewMS = r.clock.skew(dateOf(resp.Header))
	body := &limitedReader{r: resp.Body, left: task.limit}
	defer func() { record.Bytes += body.n }()
	defer r.listen(task, c.target, body)()
	entry := bundle.NewEntry{Path: name, Task: record.ID, ModTime: r.clock.now()}
	if err := redirectedNowhere(resp.Response); err != nil {
		return err
	}
	switch {
	case task.form == asReady:
		return r.ready(ctx, entry, resp.Response, body, record)
	case resp.StatusCode != http.StatusOK:
		text, err := io.ReadAll(io.LimitReader(body, 4*kb))
		return errors.Join(&statusError{resp.StatusCode, oneLine(string(text), 200)}, err)
	case task.form == asMesh:
		return r.mesh(entry, body, record)
	case task.form == asDump:
		return r.dump(ctx, c.target, entry, body, record, last)
	case task.form == asLists:
		return kept(record)(r.bundle.AddLists(ctx, entry, body))
	case task.form == perProxy:
		return kept(record)(r.bundle.AddShared(ctx, entry, body))
	case strings.HasPrefix(task.path, "/debug/"):
		return kept(record)(r.bundle.AddJSON(ctx, entry, body))
	case path.Base(task.file) == layout.Metrics:
		return r.metrics(c.target, task, entry, body, record)
	}
	return r.store(ctx, entry, body, record)
}

// kept notes the entry that was written.
func kept(record *bundle.Task) func(bundle.Entry, error) error {
	return func(e bundle.Entry, err error) error {
		if err == nil {
			record.Entries = append(record.Entries, e.Path)
		}
		return err
	}
}

// dump stores a config dump. The sections of one that broke off are kept
// where it will not be asked for again.
func (r *run) dump(ctx context.Context, t target, entry bundle.NewEntry, body io.Reader, record *bundle.Task, last bool) error {
	d, err := r.bundle.SpoolConfigDump(ctx, t.dir(), record.ID, entry.ModTime, body)
	if err != nil && !last && passing(err) && ctx.Err() == nil {
		d.Drop()
		return err
	}
	entries, errKeep := d.Keep()
	for _, e := range entries {
		record.Entries = append(record.Entries, e.Path)
	}
	return errors.Join(errKeep, err)
}

// metrics stores a first look at metrics whole, and of a second one what changed.
func (r *run) metrics(t target, task task, entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	spooled := r.bundle.Spool(entry)
	look := r.lines.first
	if task.again {
		look = r.lines.second
	}
	if err := look(spooled, body, t.String()); err != nil {
		spooled.Drop()
		return err
	}
	return kept(record)(spooled.Keep())
}

func (r *run) store(ctx context.Context, entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	return kept(record)(r.bundle.Add(ctx, entry, body))
}

// ready keeps the status with the body: for a readiness check 500 is an answer.
func (r *run) ready(ctx context.Context, entry bundle.NewEntry, resp *http.Response, body io.Reader, record *bundle.Task) error {
	head := fmt.Sprintf("HTTP/%d.%d %s\n\n", resp.ProtoMajor, resp.ProtoMinor, resp.Status)
	return r.store(ctx, entry, io.MultiReader(strings.NewReader(head), body), record)
}

// mesh stores the mesh's configuration without what may be a secret in it.
func (r *run) mesh(entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	spooled := r.bundle.Spool(entry)
	removed, err := redact.MeshConfig(spooled, body)
	if err != nil {
		spooled.Drop()
		return err
	}
	r.count("mesh configuration", removed)
	return kept(record)(spooled.Keep())
}

// emptyAnswers is how often an istiod may answer {} before it is not asked
// any more: since 1.25 it always does (istio/istio#54601).
const emptyAnswers = 3

// proxies asks an istiod for what it would send to each ztunnel connected to it.
func (r *run) proxies(ctx context.Context, c *podClient, task task) {
	empty := 0
	for _, proxy := range r.connected(c.target) {
		pod, _, _ := strings.Cut(proxy, ".")
		asked := task
		asked.path = strings.ReplaceAll(task.path, "{proxy}", url.QueryEscape(proxy))
		asked.file = layout.FileFor(task.file, pod)
		record := r.begin(task.id, c.target.entry(), request(asked, c.target))
		if record.Status, record.Reason = r.leftOut(task, c.target); record.Status != "" {
			r.end(ctx, record, nil, 0)
			continue
		}
		if empty == emptyAnswers {
			record.Status, record.Reason = bundle.StatusSkipped, fmt.Sprintf("this istiod answered {} to this question %d times (1.25 and later always do)", emptyAnswers)
			r.end(ctx, record, nil, 0)
			continue
		}
		timeout := r.timeout(task)
		taskCtx, cancel := context.WithTimeout(ctx, timeout)
		err := r.fetch(taskCtx, c, asked, asked.path, path.Join(c.target.dir(), asked.file), record)
		cancel()
		if err == nil && record.Bytes <= int64(len("{}\n")) && !strings.Contains(task.path, "types=") {
			empty++
		}
		r.end(ctx, record, err, timeout)
	}
}

// syncTask is the answer that names the ztunnels connected to an istiod,
// ambientTask the one that tells of all workloads.
var (
	syncTask    = layout.IstiodSyncz.Task()
	ambientTask = layout.IstiodAmbientz.Task()
)

func (r *run) serves(t target, proxies []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proxied[t.name] = proxies
}

// unserved is true of a ztunnel that no istiod names, once all have answered.
func (r *run) unserved(t target) bool {
	if t.kind != kindZtunnel {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, istiod := range r.targets {
		if istiod.kind != kindIstiod {
			continue
		}
		proxies, answered := r.proxied[istiod.name]
		if !answered || slices.Contains(proxies, t.name+"."+t.namespace) {
			return false
		}
	}
	return len(r.proxied) > 0
}

func (r *run) connected(t target) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proxied[t.name]
}

// proxiesOf reads the ztunnels out of an istiod's syncz answer.
func proxiesOf(syncz []byte) []string {
	var list []struct {
		Proxy string `json:"proxy"`
		Type  string `json:"proxy_type"`
	}
	if json.Unmarshal(bytes.TrimSpace(syncz), &list) != nil {
		return nil
	}
	var out []string
	for _, p := range list {
		if p.Type == kindZtunnel {
			out = append(out, p.Proxy)
		}
	}
	return out
}
