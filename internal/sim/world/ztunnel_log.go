package world

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// quiet is what LOG_LEVEL or RUST_LOG leave of a log at warn.
func quiet(lines []LogLine) []LogLine {
	var kept []LogLine
	for _, l := range lines {
		if level, _, _ := strings.Cut(l.text, "\t"); level != "info" {
			kept = append(kept, l)
		}
	}
	return kept
}

// Log renders the current or the previous instance's output.
func (z *Ztunnel) Log(_ string, previous bool) (kubeapi.Log, bool) {
	if z.Waiting {
		return kubeapi.Log{}, false
	}
	if previous {
		if z.Before != nil {
			return JoinLines(z.Before), true
		}
		if z.Crashed == nil {
			return kubeapi.Log{}, false
		}
		return JoinLines(z.Crashed.lines), true
	}
	if len(z.mesh.chatter) == 0 {
		return JoinLines(z.Lines), true
	}
	// What is not traffic was said before all traffic.
	begun := slices.IndexFunc(z.Lines, func(l LogLine) bool { return l.At.After(z.mesh.Now.Add(-TrafficSpan)) })
	if begun < 0 {
		begun = len(z.Lines)
	}
	before, after := JoinLines(z.Lines[:begun]), JoinLines(z.Lines[begun:])
	before.Text = slices.Concat(before.Text, z.mesh.chatter, after.Text)
	return before, true
}

// chat is what every ztunnel logs of its updates in the hours of its life, of so many bytes.
func (m *Mesh) chat(bytes int) {
	from, span := m.Started.Add(time.Minute), m.Now.Sub(m.Started)-TrafficSpan-2*time.Minute
	const width = 150 // of a line, about
	for i := 0; len(m.chatter) < bytes; i++ {
		at := from.Add(span / time.Duration(bytes/width+1) * time.Duration(i))
		line := Record(at, "info", "xds::client:xds{id=1}", "received response",
			fmt.Sprintf("type_url=%q size=%d removes=0", AddressType, 1+i%7))
		m.chatter = append(m.chatter, line.String()...)
	}
}

// JoinLines is a container's log of such lines.
func JoinLines(lines []LogLine) kubeapi.Log {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(l.String())
	}
	text := kubeapi.Log{Text: []byte(out.String())}
	if len(lines) > 0 {
		text.Started = lines[0].At
	}
	return text
}

// startUp is what a ztunnel prints from its start until it serves, ending at at plus some tens of
// milliseconds.
func (z *Ztunnel) startUp(at time.Time) ([]LogLine, error) {
	lines, err := z.Family.startLines(z.Version, z.Node.Name, z.Pod.Name, at)
	if err != nil {
		return nil, err
	}
	if z.Empty {
		return lines[:len(lines)-4], nil
	}
	now := lines[len(lines)-1].At
	step := func() time.Time { now = now.Add(300 * time.Microsecond); return now }
	for _, p := range z.Locals() {
		lines = append(lines,
			Record(step(), "info", "inpod::statemanager", "pod received, starting proxy",
				fmt.Sprintf("uid=%q name=%q namespace=%q", p.UID, p.Name, p.Namespace)),
			Record(step(), "info", "dns::server", "starting local DNS server", `address=localhost:15053 component="dns"`))
		if p.Proxy != ProxyUp {
			continue
		}
		for _, l := range [][3]string{{"proxy::inbound", "15008", "inbound"}, {"proxy::inbound_passthrough", "15006", "inbound plaintext"}, {"proxy::outbound", "15001", "outbound"}} {
			lines = append(lines, Record(step(), "info", l[0], "listener established",
				fmt.Sprintf("address=[::]:%s component=%q transparent=true", l[1], l[2])))
		}
	}
	lines = append(lines, Record(step(), "info", "inpod::statemanager", "received snapshot sent", ""))
	if z.ready() {
		lines = append(lines, Record(step(), "info", "readiness",
			fmt.Sprintf("Task 'workload proxy manager' complete (%s), marking server ready", now.Sub(at)), ""))
	}
	return lines, nil
}

// ports serve the ztunnel's state as of the world's moment.
func (z *Ztunnel) ports() map[int32]kubeapi.Port {
	if z.Waiting || z.Crashed != nil && !z.Pod.Ready {
		return nil
	}
	render := func(contentType string, body func() ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			z.mesh.Mu.RLock()
			text, err := body()
			z.mesh.Mu.RUnlock()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			Answer(w, textHeader(contentType), http.StatusOK, text)
		}
	}
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if z.ready() {
			Answer(w, textHeader("text/plain"), http.StatusOK, []byte("ready\n"))
			return
		}
		Answer(w, textHeader("text/plain"), http.StatusInternalServerError,
			[]byte("not ready, pending: "+strings.Join(z.Pending, ", ")+"\n"))
	}
	ports := ZtunnelPorts(render("application/json", z.Dump), render("text/plain; charset=utf-8", z.Metrics), ready)
	if z.Hangs {
		for number, p := range ports {
			p.Handler = Silence{}
			ports[number] = p
		}
	}
	return ports
}
