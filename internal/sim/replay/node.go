package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// recordedNode is what one node's ztunnel served and logged.
type recordedNode struct {
	dump, metrics []byte
	dumpHeader    http.Header
	metricsHeader http.Header
	readyHeader   http.Header
	readyCode     int
	readyBody     []byte
	// processes are the log, one part for each process, in order.
	processes []kubeapi.Log
	state     recordedState
}

// recordedState is as much of the dump as says what Kubernetes must have held.
type recordedState struct {
	Workloads list[recordedWorkload] `json:"workloads"`
	Services  list[struct {
		Name      string   `json:"name"`
		Namespace string   `json:"namespace"`
		VIPs      []string `json:"vips"`
	}] `json:"services"`
	Policies     list[authorization] `json:"policies"`
	Certificates []struct {
		RootCerts []struct {
			PEM string `json:"pem"`
		} `json:"rootCerts"`
	} `json:"certificates"`
}

type recordedWorkload struct {
	UID         string   `json:"uid"`
	Name        string   `json:"name"`
	Namespace   string   `json:"namespace"`
	WorkloadIPs []string `json:"workloadIps"`
	Status      string   `json:"status"`
}

// list reads a JSON array, and the values of an object where old versions print one.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]T)(l))
	}
	var byKey map[string]T
	if err := json.Unmarshal(text, &byKey); err != nil {
		return err
	}
	for _, value := range byKey {
		*l = append(*l, value)
	}
	return nil
}

func readRecordedNode(dir string) (*recordedNode, error) {
	n := &recordedNode{}
	var err error
	if n.dump, n.dumpHeader, err = readAnswer(dir, "config_dump.json"); err != nil {
		return nil, err
	}
	if n.metrics, n.metricsHeader, err = readAnswer(dir, "metrics.txt"); err != nil {
		return nil, err
	}
	ready, readyHeader, err := readAnswer(dir, "ready.txt")
	if err != nil {
		return nil, err
	}
	n.readyHeader = readyHeader
	if n.readyCode, n.readyBody, err = splitReady(ready); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "ready.txt"), err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log.txt"))
	if err != nil {
		return nil, err
	}
	n.processes = splitProcesses(log)
	if err := json.Unmarshal(n.dump, &n.state); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "config_dump.json"), err)
	}
	return n, nil
}

// readAnswer reads a recorded body and the headers that lie beside it.
func readAnswer(dir, name string) ([]byte, http.Header, error) {
	body, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, nil, err
	}
	beside := filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".headers")
	text, err := os.ReadFile(beside)
	if err != nil {
		return nil, nil, err
	}
	header := http.Header{}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), ": "); found {
			header.Add(key, value)
		}
	}
	// The targets' clock is the world's, and the length is the body's.
	header.Del("Date")
	header.Del("Content-Length")
	return body, header, nil
}

// splitReady reads a status line, an empty line and a body.
func splitReady(text []byte) (code int, body []byte, err error) {
	head, body, found := bytes.Cut(text, []byte("\n\n"))
	fields := strings.Fields(string(head))
	if !found || len(fields) < 2 {
		return 0, nil, fmt.Errorf("no status line and body in %q", text)
	}
	code, err = strconv.Atoi(fields[1])
	return code, body, err
}

// startMark is in the first line that every ztunnel process prints.
const startMark = "version: version.BuildInfo{"

// splitProcesses cuts a log where a process begins.
func splitProcesses(log []byte) []kubeapi.Log {
	var starts []int
	for at := 0; ; {
		i := bytes.Index(log[at:], []byte(startMark))
		if i < 0 {
			break
		}
		starts = append(starts, bytes.LastIndexByte(log[:at+i], '\n')+1)
		at += i + len(startMark)
	}
	if len(starts) == 0 || starts[0] != 0 {
		starts = slices.Insert(starts, 0, 0)
	}
	var parts []kubeapi.Log
	for i, start := range starts {
		end := len(log)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		part := kubeapi.Log{Text: log[start:end:end]}
		line, _ := kubeapi.FirstLine(part.Text)
		part.Started, _ = kubeapi.LineTime(line)
		parts = append(parts, part)
	}
	return parts
}

func (n *recordedNode) current() kubeapi.Log { return n.processes[len(n.processes)-1] }

// log implements podBackend.log: the last process is the current instance of the container.
func (n *recordedNode) log(_ string, previous bool) (kubeapi.Log, bool) {
	if !previous {
		return n.current(), true
	}
	if len(n.processes) < 2 {
		return kubeapi.Log{}, false
	}
	return n.processes[len(n.processes)-2], true
}

// received is when the ztunnel first logged that it was given the pod.
func (n *recordedNode) received(uid string) (time.Time, bool) {
	for _, process := range n.processes {
		for line := range bytes.Lines(process.Text) {
			if bytes.Contains(line, []byte("pod received, starting proxy")) && bytes.Contains(line, []byte(uid)) {
				return kubeapi.LineTime(line)
			}
		}
	}
	return time.Time{}, false
}

func (n *recordedNode) root() string {
	for _, c := range n.state.Certificates {
		for _, root := range c.RootCerts {
			if text, err := base64.StdEncoding.DecodeString(root.PEM); err == nil {
				return string(text)
			}
		}
	}
	return ""
}

// ports are the three that a ztunnel listens on beside the data plane's.
func (n *recordedNode) ports() map[int32]kubeapi.Port {
	ready := func(w http.ResponseWriter, _ *http.Request) { world.Answer(w, n.readyHeader, n.readyCode, n.readyBody) }
	metrics := func(w http.ResponseWriter, _ *http.Request) {
		world.Answer(w, n.metricsHeader, http.StatusOK, n.metrics)
	}
	dump := func(w http.ResponseWriter, _ *http.Request) { world.Answer(w, n.dumpHeader, http.StatusOK, n.dump) }
	return world.ZtunnelPorts(dump, metrics, ready)
}
