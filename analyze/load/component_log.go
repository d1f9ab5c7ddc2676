package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/rawjson"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// componentLogs reads the logs of all but ztunnels.
type componentLogs struct {
	*reading
	// pushes are the resources of each full answer that istiods logged, by proxy.
	pushes map[string][]int
}

// read reads the log of istiod, istio-cni or a gateway: Istio's Go
// format (istio/istio pkg/log), time, level, an optional scope and the
// message parted by tabs, or its JSON form. Where each is given, it is called
// with every line.
func (l *componentLogs) read(component, namespace, pod, node string, f bundle.File, previous bool, each func(*ztunnel.Record)) error {
	m := newMessages(component, pod, node, previous)
	in := l.lines.of(f.Reader)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if len(line) > 0 {
			r, ok := goRecord(line, n)
			if each != nil {
				each(&r)
			}
			if ok && keepComponent(&r) {
				m.add(&r, f.Path)
			}
		}
		if err == nil {
			continue
		}
		for _, log := range m.logs {
			log.Namespace = namespace
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, l.keepLogs(m.logs))
	}
}

// keepComponent is true of what rules may look at: warnings, errors, what Go
// itself prints when it dies, and the few lines at info that tell of trouble.
func keepComponent(r *ztunnel.Record) bool {
	switch r.Level {
	case "warn", "error":
		return true
	case "":
		return strings.HasPrefix(r.Message, "fatal error: ") || strings.HasPrefix(r.Message, "panic: ")
	case "info":
		return strings.HasPrefix(r.Message, "ztunnel disconnected") || strings.HasPrefix(r.Message, "new ztunnel connected")
	}
	return false
}

// mostPushes bounds how many pushes to one proxy are kept: those of two days.
const mostPushes = 100

// push keeps the size of an istiod's whole answer to one proxy
// (istio/istio pilot/pkg/xds/delta.go): "WDS: PUSH request for node:<pod>.<ns> resources:231 removed:0 …".
func (l *componentLogs) push(r *ztunnel.Record) {
	rest, ok := strings.CutPrefix(r.Message, "WDS: PUSH request for node:")
	if !ok {
		return
	}
	proxy, rest, _ := strings.Cut(rest, " ")
	var n int
	if _, err := fmt.Sscanf(rest, "resources:%d", &n); err != nil || len(l.pushes) >= mostAgents {
		return
	}
	sizes := append(l.pushes[proxy], n)
	l.pushes[strings.Clone(proxy)] = sizes[max(0, len(sizes)-mostPushes):]
}

func (l *componentLogs) finish() {
	for _, x := range l.mesh.XDS {
		if x.Type == "WDS" {
			x.Pushes = l.pushes[x.Proxy]
		}
	}
}

// readLine gives one line, cut at the buffer's size.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	text := string(bytes.TrimRight(line, "\r\n"))
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return text, err
}

func goRecord(line string, n int) (ztunnel.Record, bool) {
	if line[0] == '{' {
		var o struct {
			Time  time.Time      `json:"time"`
			Level string         `json:"level"`
			Scope string         `json:"scope"`
			Msg   string         `json:"msg"`
			Rest  map[string]any `json:",embed"`
		}
		if json.Unmarshal([]byte(line), &o, rawjson.Lenient()) != nil {
			return ztunnel.Record{}, false
		}
		r := ztunnel.Record{Line: n, Time: o.Time, Level: o.Level, Target: o.Scope, Message: o.Msg, Raw: line}
		for k, v := range byKey(o.Rest) {
			r.Fields = append(r.Fields, ztunnel.Field{Key: k, Value: fmt.Sprint(v)})
		}
		return r, true
	}
	parts := strings.SplitN(line, "\t", 5)
	at, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil || len(parts) < 3 {
		return ztunnel.Record{Line: n, Message: line, Raw: line}, true
	}
	r := ztunnel.Record{Line: n, Time: at.UTC(), Level: parts[1], Message: parts[2], Raw: line}
	rest := parts[3:]
	if len(rest) > 0 && !strings.Contains(parts[2], " ") { // a scope, which the default one leaves out
		r.Target, r.Message, rest = parts[2], rest[0], rest[1:]
	}
	if len(rest) > 0 {
		r.Fields = labels(strings.Join(rest, " "))
	}
	return r, true
}

// labels reads what Istio's Go log puts after the message: key=value pairs
// parted by spaces, without quotes, so that a value may hold spaces as well
// (istio/istio pkg/log/scope.go). Text that is none of it gives nil.
func labels(text string) []ztunnel.Field {
	var out []ztunnel.Field
	for word := range strings.SplitSeq(text, " ") {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case ok && key != "" && !strings.ContainsAny(key, "\"'{[(/:"):
			out = append(out, ztunnel.Field{Key: key, Value: value})
		case len(out) == 0:
			return nil
		default:
			out[len(out)-1].Value += " " + word
		}
	}
	return out
}
