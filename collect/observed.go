package collect

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/zbundle/zbundle/internal/openmetrics"
)

// observed is what the answers of pods tell of the mesh, beside what is kept
// of them: who serves whom, and how much there is to come.
type observed struct {
	own func(workload) bool // the workload of --for, nil without it

	mu      sync.Mutex
	proxied map[string][]string // ztunnels by istiod pod
	counted int64               // workloads, by istiod's own count
	active  map[string]int      // pods that each ztunnel serves, by "namespace/name"
	peers   map[workload]bool   // of the workload of --for
}

func newObserved(opts Options) *observed {
	o := &observed{proxied: map[string][]string{}, active: map[string]int{}, peers: map[workload]bool{}}
	if ns, name, _ := strings.Cut(opts.For, "/"); ns != "" {
		o.own = func(w workload) bool { return w.namespace == ns && (name == "" || w.name == name) }
	}
	return o
}

// workloads is how many istiod said that it serves, 0 before it did.
func (o *observed) workloads() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counted
}

// activeProxies is how many pods a ztunnel said that it serves.
func (o *observed) activeProxies(t target) (n int, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, known = o.active[t.namespace+"/"+t.name]
	return n, known
}

// connectedPeers are those of the workload of --for.
func (o *observed) connectedPeers() []workload {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.peers))
}

// observer is where a copy of an answer goes, and what to do once it has ended.
type observer struct {
	io.Writer
	end func()
}

// observerOf takes the answers that more is learnt from; the others go nowhere.
func (o *observed) observerOf(task task, t target) observer {
	switch task.id {
	case syncTask: // the first look: which ztunnel is whose need not be right to the second
		var seen bytes.Buffer
		return observer{&seen, func() { o.serves(t, proxiesOf(seen.Bytes())) }}
	case ambientTask:
		c := &workloadCounter{}
		return observer{c, func() { o.count(c.n) }}
	case metricsTask:
		return observer{&lineWriter{each: func(line []byte) {
			o.proxiesServed(t, line)
			o.peer(line)
		}}, func() {}}
	}
	return observer{io.Discard, func() {}}
}

// count notes how many workloads an istiod serves.
func (o *observed) count(workloads int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counted = max(o.counted, workloads)
}

// maxMetricLine bounds a line of metrics; what is longer is not looked at.
const maxMetricLine = 16 * kb

// lineWriter gives each whole line to a function.
type lineWriter struct {
	each func(line []byte)
	part []byte
	long bool // the line under way is longer than may be
}

func (l *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		head, rest, found := bytes.Cut(p, []byte{'\n'})
		if len(l.part)+len(head) > maxMetricLine {
			l.long = true
		}
		if !l.long {
			l.part = append(l.part, head...)
		}
		if !found {
			return n, nil
		}
		if !l.long {
			l.each(l.part)
		}
		l.part, l.long, p = l.part[:0], false, rest
	}
}

// peer notes with whom the workload of --for has connections, by a line of
// the metrics of a ztunnel on one of its nodes.
func (o *observed) peer(line []byte) {
	if o.own == nil || !bytes.Contains(line, []byte("_workload_namespace=")) {
		return
	}
	sample, err := openmetrics.ParseSample(string(line))
	if err != nil {
		return
	}
	source := workload{sample.Get("source_workload_namespace"), sample.Get("source_workload")}
	destination := workload{sample.Get("destination_workload_namespace"), sample.Get("destination_workload")}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.own(source) {
		o.peers[destination] = true
	}
	if o.own(destination) {
		o.peers[source] = true
	}
}

// activeProxyCount is the gauge of the pods that a ztunnel serves.
var activeProxyCount = []byte("workload_manager_active_proxy_count")

// proxiesServed notes what a line of a ztunnel's metrics says of it.
func (o *observed) proxiesServed(t target, line []byte) {
	if !bytes.HasPrefix(line, activeProxyCount) {
		return
	}
	sample, err := openmetrics.ParseSample(string(line))
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.active[t.namespace+"/"+t.name] = int(sample.Value)
}

// serves notes which ztunnels are connected to an istiod.
func (o *observed) serves(t target, proxies []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.proxied[t.name] = proxies
}

// unserved is true of a ztunnel that no istiod names, once all have answered.
func (o *observed) unserved(t target, targets []target) bool {
	if t.kind != kindZtunnel {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, istiod := range targets {
		if istiod.kind != kindIstiod {
			continue
		}
		proxies, answered := o.proxied[istiod.name]
		if !answered || slices.Contains(proxies, t.name+"."+t.namespace) {
			return false
		}
	}
	return len(o.proxied) > 0
}

// connected are the ztunnels that an istiod serves.
func (o *observed) connected(t target) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.proxied[t.name]
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
