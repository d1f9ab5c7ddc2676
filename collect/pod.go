package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/redact"
)

// podCollector asks the pods of the mesh.
type podCollector struct {
	opts        Options
	api         *api
	reach       *reach
	survey      *survey
	observed    *observed
	selection   *selection
	budget      *budget
	guard       *guard
	record      *record
	bundle      *bundle.Writer
	clock       clock
	firstLooks  *firstLooks
	metricLines *metricLines

	mu         sync.Mutex
	rereadPods map[string]bool // that were looked at twice, by label
}

func (p *podCollector) client(t target) *podClient {
	return &podClient{api: p.api, reach: p.reach, target: t, idleTimeout: p.opts.RequestTimeout}
}

// collect asks one pod for some of what the table says, one request after the other.
func (p *podCollector) collect(ctx context.Context, t target, tasks []task) {
	client := p.client(t)
	defer client.close()
	looking := t.kind == kindIstiod
	for _, task := range tasks {
		if task.again {
			continue
		}
		if task.form == asDump {
			p.firstLooks.wait(ctx)
		}
		if task.form == perProxy {
			p.proxies(ctx, client, task)
			continue
		}
		p.podTask(ctx, client, task)
		if looking && task.id == ambientTask {
			looking = false
			p.firstLooks.taken()
		}
	}
	p.takeDueLook(ctx, client)
}

// podTask runs one request and records how it ended.
func (p *podCollector) podTask(ctx context.Context, c *podClient, task task) {
	record := p.record.begin(task.id, c.target.entry(), request(task, c.target))
	if p.leftOut(ctx, task, c.target, record) {
		return
	}
	timeout := p.opts.taskTimeout(task)
	taskCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var err error
	switch task.form {
	case podLog, podLogOld:
		err = p.log(taskCtx, c.target, task, record)
	default:
		err = p.fetch(taskCtx, c, task, task.path, path.Join(c.target.dir(), task.file), record)
	}
	p.record.end(ctx, record, err, timeout)
}

// leftOut ends a task that is not to be asked of its target, and is true of one.
func (p *podCollector) leftOut(ctx context.Context, task task, t target, record *bundle.Task) bool {
	record.Status, record.Reason = p.selection.leftOut(task, t)
	if record.Status == "" {
		return false
	}
	if record.Status == bundle.StatusForbidden && task.port != 0 {
		p.record.lackForward()
	}
	p.record.end(ctx, record, nil, 0)
	return true
}

// taskTimeout is a task's deadline. The table's are meant beside the default
// deadline of a request, and grow and shrink with it.
func (o Options) taskTimeout(task task) time.Duration {
	factor := max(int64(task.timeout/DefaultRequestTimeout), 1)
	return o.RequestTimeout * time.Duration(factor)
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
func (p *podCollector) fetch(ctx context.Context, c *podClient, task task, ask, name string, record *bundle.Task) error {
	attempt := 0
	err := retry(ctx, targetAttempts, func() error {
		attempt++
		return p.attempt(ctx, c, task, ask, name, record, attempt == targetAttempts)
	})
	c.ended(err)
	return err
}

// attempt is one of fetch's; of a dump, the last one keeps what there is.
func (p *podCollector) attempt(ctx context.Context, c *podClient, task task, ask, name string, record *bundle.Task, last bool) error {
	if task.form == asDump {
		release, err := p.guard.acquireNodeDump(ctx, c.target.node)
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
	record.ClockSkewMS = p.clock.skew(dateOf(resp.Header))
	seen := p.observed.observerOf(task, c.target)
	defer seen.end()
	body := &limitedReader{r: io.TeeReader(resp.Body, seen), left: task.limit}
	defer func() { record.Bytes += body.n }()
	entry := bundle.NewEntry{Path: name, Task: record.ID, ModTime: p.clock.now()}
	if err := redirectedNowhere(resp.Response); err != nil {
		return err
	}
	switch {
	case task.form == asReady:
		return p.ready(ctx, entry, resp.Response, body, record)
	case resp.StatusCode != http.StatusOK:
		text, err := io.ReadAll(io.LimitReader(body, 4*kb))
		return errors.Join(&statusError{resp.StatusCode, oneLine(string(text), 200)}, err)
	case task.form == asMesh:
		return p.mesh(entry, body, record)
	case task.form == asDump:
		return p.dump(ctx, c.target, entry, body, record, last)
	case task.form == asLists:
		return kept(record)(p.bundle.AddLists(ctx, entry, body))
	case task.form == perProxy:
		return kept(record)(p.bundle.AddShared(ctx, entry, body))
	case strings.HasPrefix(task.path, "/debug/"):
		return kept(record)(p.bundle.AddJSON(ctx, entry, body))
	case path.Base(task.file) == layout.Metrics:
		return p.metrics(c.target, task, entry, body, record)
	}
	return p.store(ctx, entry, body, record)
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
func (p *podCollector) dump(ctx context.Context, t target, entry bundle.NewEntry, body io.Reader, record *bundle.Task, last bool) error {
	d, err := p.bundle.SpoolConfigDump(ctx, t.dir(), record.ID, entry.ModTime, body)
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
func (p *podCollector) metrics(t target, task task, entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	spooled := p.bundle.Spool(entry)
	look := p.metricLines.first
	if task.again {
		look = p.metricLines.second
	}
	if err := look(spooled, body, t.String()); err != nil {
		spooled.Drop()
		return err
	}
	return kept(record)(spooled.Keep())
}

func (p *podCollector) store(ctx context.Context, entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	return kept(record)(p.bundle.Add(ctx, entry, body))
}

// ready keeps the status with the body: for a readiness check 500 is an answer.
func (p *podCollector) ready(ctx context.Context, entry bundle.NewEntry, resp *http.Response, body io.Reader, record *bundle.Task) error {
	head := fmt.Sprintf("HTTP/%d.%d %s\n\n", resp.ProtoMajor, resp.ProtoMinor, resp.Status)
	return p.store(ctx, entry, io.MultiReader(strings.NewReader(head), body), record)
}

// mesh stores the mesh's configuration without what may be a secret in it.
func (p *podCollector) mesh(entry bundle.NewEntry, body io.Reader, record *bundle.Task) error {
	spooled := p.bundle.Spool(entry)
	removed, err := redact.MeshConfig(spooled, body)
	if err != nil {
		spooled.Drop()
		return err
	}
	p.record.count("mesh configuration", removed)
	return kept(record)(spooled.Keep())
}

// emptyAnswers is how often an istiod may answer {} before it is not asked
// any more: since 1.25 it always does (istio/istio#54601).
const emptyAnswers = 3

// proxies asks an istiod for what it would send to each ztunnel connected to it.
func (p *podCollector) proxies(ctx context.Context, c *podClient, task task) {
	empty := 0
	for _, proxy := range p.observed.connected(c.target) {
		pod, _, _ := strings.Cut(proxy, ".")
		asked := task
		asked.path = strings.ReplaceAll(task.path, "{proxy}", url.QueryEscape(proxy))
		asked.file = layout.FileFor(task.file, pod)
		record := p.record.begin(task.id, c.target.entry(), request(asked, c.target))
		if p.leftOut(ctx, task, c.target, record) {
			continue
		}
		if empty == emptyAnswers {
			record.Status, record.Reason = bundle.StatusSkipped, fmt.Sprintf("this istiod answered {} to this question %d times (1.25 and later always do)", emptyAnswers)
			p.record.end(ctx, record, nil, 0)
			continue
		}
		timeout := p.opts.taskTimeout(task)
		taskCtx, cancel := context.WithTimeout(ctx, timeout)
		err := p.fetch(taskCtx, c, asked, asked.path, path.Join(c.target.dir(), asked.file), record)
		cancel()
		if err == nil && record.Bytes <= int64(len("{}\n")) && !strings.Contains(task.path, "types=") {
			empty++
		}
		p.record.end(ctx, record, err, timeout)
	}
}

// syncTask is the answer that names the ztunnels connected to an istiod,
// ambientTask the one that tells of all workloads.
var (
	syncTask    = layout.IstiodSyncz.Task()
	ambientTask = layout.IstiodAmbientz.Task()
)
