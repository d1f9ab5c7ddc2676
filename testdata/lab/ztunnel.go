package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	zistiod "github.com/zbundle/zbundle/internal/istiod"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// standIn stands in for one node's ztunnel: it subscribes to istiod as one
// does, and serves what it was sent in ztunnel's own formats, which are those
// of the recordings of this version.
type standIn struct {
	pod     *corev1.Pod
	ca      *authority
	build   *ztunnel.Dump // config and version
	logFile string
	stream  *subscription

	mu    sync.Mutex
	state state
}

// state is what a fault changes.
type state struct {
	hidden       map[string]bool // UIDs of workloads that got lost
	proxies      map[string]ztunnel.ProxyState
	certificates map[string]ztunnel.Certificate
	series       map[string]int
	failures     int // of connections to istiod
	lines        []string
}

func (s state) clone() state {
	s.hidden, s.proxies = maps.Clone(s.hidden), maps.Clone(s.proxies)
	s.certificates, s.series, s.lines = maps.Clone(s.certificates), maps.Clone(s.series), slices.Clone(s.lines)
	return s
}

const recording = "../ztunnel/1.32-dev/healthy/worker-1"

// startZtunnel runs the stand-in for a ztunnel pod, reachable through the API
// server as the pod's ports and log are.
func (w *world) startZtunnel(t *testing.T, pod *corev1.Pod) *standIn {
	t.Helper()
	z := w.newStandIn(t, pod)
	w.publish(t, z, z.dump)
	return z
}

// newStandIn subscribes to istiod for a ztunnel pod.
func (w *world) newStandIn(t *testing.T, pod *corev1.Pod) *standIn {
	t.Helper()
	recorded := must[[]byte](t)(os.ReadFile(filepath.Join(recording, "config_dump.json")))
	build := must[*ztunnel.Dump](t)(ztunnel.ReadDump(bytes.NewReader(recorded)))
	build.Config.LocalNode = pod.Spec.NodeName
	z := &standIn{
		pod: pod, ca: w.ca, build: build, logFile: filepath.Join(w.dir, pod.Name+".log"),
		state: state{
			hidden: map[string]bool{}, proxies: map[string]ztunnel.ProxyState{},
			certificates: map[string]ztunnel.Certificate{}, series: map[string]int{},
		},
	}
	z.startLog(t)
	z.stream = subscribe(t, w.istiod, pod)
	return z
}

// publish makes the stand-in's ports and log those of its pod.
func (w *world) publish(t *testing.T, z *standIn, dump func() ([]byte, error)) {
	t.Helper()
	ports := map[int]int{
		15000: serve(t, "GET /config_dump", "application/json", dump),
		15020: serve(t, "GET /metrics", "text/plain; charset=utf-8", z.metrics),
		15021: serve(t, "GET /healthz/ready", "text/plain", func() ([]byte, error) { return []byte("ready\n"), nil }),
	}
	w.forward(t, z.pod.Namespace, z.pod.Name, ports)
	w.logFile(t, z.pod.Namespace, z.pod.Name, "istio-proxy", z.logFile)
}

// serve answers one path on a loopback port until the test ends.
func serve(t *testing.T, pattern, contentType string, body func() ([]byte, error)) int {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		text, err := body()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(text) // the client may have gone
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return portOf(t, server.Listener.Addr())
}

// hold makes the ztunnel handle a pod of its node, with a certificate for its identity.
func (z *standIn) hold(t *testing.T, p *corev1.Pod) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.state.proxies[string(p.UID)] = ztunnel.ProxyState{
		State:       ztunnel.ProxyUp,
		Info:        &ztunnel.PodInfo{Name: p.Name, Namespace: p.Namespace, ServiceAccount: p.Spec.ServiceAccountName},
		Connections: &ztunnel.Connections{Inbound: []ztunnel.Connection{}, Outbound: []ztunnel.Connection{}},
	}
	id := identity(p)
	if _, ok := z.state.certificates[id]; !ok {
		z.state.certificates[id] = z.ca.issue(t, id, time.Now().Add(-2*time.Minute), time.Now().Add(24*time.Hour))
	}
	z.log(t, fmt.Sprintf("info\tinpod::statemanager\tpod received, starting proxy\tuid=%q name=%q namespace=%q", p.UID, p.Name, p.Namespace))
}

// plant changes the state until the test ends.
func (z *standIn) plant(t *testing.T, change func(*state)) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	before := z.state.clone()
	change(&z.state)
	z.writeLog(t)
	t.Cleanup(func() {
		z.mu.Lock()
		defer z.mu.Unlock()
		z.state = before
		z.writeLog(t)
	})
}

// dump is GET /config_dump, as src/admin.rs prints it.
func (z *standIn) dump() ([]byte, error) {
	d, err := z.held()
	if err != nil {
		return nil, err
	}
	return printed(d)
}

// printed is a dump in the hand of serde_json's pretty printer.
func printed(d *ztunnel.Dump) ([]byte, error) {
	text, err := d.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.Bytes(), err
}

func (z *standIn) held() (*ztunnel.Dump, error) {
	held, err := z.stream.held()
	if err != nil {
		return nil, err
	}
	return z.dumpOf(held), nil
}

// dumpOf is what the ztunnel makes of what istiod sent.
func (z *standIn) dumpOf(held *zistiod.ConfigDump) *ztunnel.Dump {
	z.mu.Lock()
	defer z.mu.Unlock()
	d := &ztunnel.Dump{
		Workloads: slices.DeleteFunc(held.Workloads, func(w ztunnel.Workload) bool { return z.state.hidden[w.UID] }),
		Services:  held.Services, Policies: held.Policies,
		StagedServices: map[string]map[string]ztunnel.Endpoint{}, StaticConfig: z.build.StaticConfig,
		WorkloadState: z.state.proxies, Version: z.build.Version, Config: z.build.Config, Sections: z.build.Sections,
	}
	for i := range d.Services {
		maps.DeleteFunc(d.Services[i].Endpoints, func(uid string, _ ztunnel.Endpoint) bool { return z.state.hidden[uid] })
	}
	for _, id := range slices.Sorted(maps.Keys(z.state.certificates)) {
		d.Certificates = append(d.Certificates, z.state.certificates[id])
	}
	return d
}

// startLog begins with what a ztunnel logs at its start.
func (z *standIn) startLog(t *testing.T) {
	t.Helper()
	recorded := must[[]byte](t)(os.ReadFile(filepath.Join(recording, "log.txt")))
	z.mu.Lock()
	defer z.mu.Unlock()
	for line := range strings.Lines(string(recorded)) {
		_, record, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || !strings.HasPrefix(record, "info\tapp") && !strings.HasPrefix(record, "info\treadiness") && !strings.HasPrefix(record, "info\txds::client") {
			continue
		}
		z.log(t, record)
	}
}

// log adds a record, its time before it as ztunnel prints it.
func (z *standIn) log(t *testing.T, record string) {
	t.Helper()
	z.state.lines = append(z.state.lines, now()+"\t"+record)
	z.writeLog(t)
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") }

// writeLog keeps the log where the kubelet finds it, in the form of the CRI.
func (z *standIn) writeLog(t *testing.T) {
	t.Helper()
	var out strings.Builder
	for _, l := range z.state.lines {
		at, _, _ := strings.Cut(l, "\t")
		for part := range strings.Lines(l + "\n") {
			fmt.Fprintf(&out, "%s stdout F %s", at, part)
		}
	}
	if err := os.WriteFile(z.logFile, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func identity(p *corev1.Pod) string {
	return "spiffe://cluster.local/ns/" + p.Namespace + "/sa/" + p.Spec.ServiceAccountName
}
