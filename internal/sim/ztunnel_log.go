package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// log renders the current or the previous instance's output.
func (z *ztunnel) log(_ string, previous bool) (kubeapi.Log, bool) {
	if z.waiting {
		return kubeapi.Log{}, false
	}
	if previous {
		if z.before != nil {
			return joinLines(z.before), true
		}
		if z.crashed == nil {
			return kubeapi.Log{}, false
		}
		return joinLines(z.crashed.lines), true
	}
	if len(z.mesh.chatter) == 0 {
		return joinLines(z.lines), true
	}
	// What is not traffic was said before all traffic.
	begun := slices.IndexFunc(z.lines, func(l logLine) bool { return l.at.After(z.mesh.now.Add(-trafficSpan)) })
	if begun < 0 {
		begun = len(z.lines)
	}
	before, after := joinLines(z.lines[:begun]), joinLines(z.lines[begun:])
	before.Text = slices.Concat(before.Text, z.mesh.chatter, after.Text)
	return before, true
}

// chat is what every ztunnel logs of its updates in the hours of its life, of so many bytes.
func (m *mesh) chat(bytes int) {
	from, span := m.started.Add(time.Minute), m.now.Sub(m.started)-trafficSpan-2*time.Minute
	const width = 150 // of a line, about
	for i := 0; len(m.chatter) < bytes; i++ {
		at := from.Add(span / time.Duration(bytes/width+1) * time.Duration(i))
		line := record(at, "info", "xds::client:xds{id=1}", "received response",
			fmt.Sprintf("type_url=%q size=%d removes=0", addressType, 1+i%7))
		m.chatter = append(m.chatter, line.String()...)
	}
}

func joinLines(lines []logLine) kubeapi.Log {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(l.String())
	}
	text := kubeapi.Log{Text: []byte(out.String())}
	if len(lines) > 0 {
		text.Started = lines[0].at
	}
	return text
}

// startUp is what a ztunnel prints from its start until it serves, ending at at plus some tens of
// milliseconds.
func (z *ztunnel) startUp(at time.Time) ([]logLine, error) {
	lines, err := z.family.startLines(z.version, z.node.name, z.pod.name, at)
	if err != nil {
		return nil, err
	}
	if z.empty {
		return lines[:len(lines)-4], nil
	}
	now := lines[len(lines)-1].at
	step := func() time.Time { now = now.Add(300 * time.Microsecond); return now }
	for _, p := range z.locals() {
		lines = append(lines,
			record(step(), "info", "inpod::statemanager", "pod received, starting proxy",
				fmt.Sprintf("uid=%q name=%q namespace=%q", p.uid, p.name, p.namespace)),
			record(step(), "info", "dns::server", "starting local DNS server", `address=localhost:15053 component="dns"`))
		if p.proxy != proxyUp {
			continue
		}
		for _, l := range [][3]string{{"proxy::inbound", "15008", "inbound"}, {"proxy::inbound_passthrough", "15006", "inbound plaintext"}, {"proxy::outbound", "15001", "outbound"}} {
			lines = append(lines, record(step(), "info", l[0], "listener established",
				fmt.Sprintf("address=[::]:%s component=%q transparent=true", l[1], l[2])))
		}
	}
	lines = append(lines, record(step(), "info", "inpod::statemanager", "received snapshot sent", ""))
	if z.ready() {
		lines = append(lines, record(step(), "info", "readiness",
			fmt.Sprintf("Task 'workload proxy manager' complete (%s), marking server ready", now.Sub(at)), ""))
	}
	return lines, nil
}

// ports serve the ztunnel's state as of the world's moment.
func (z *ztunnel) ports() map[int32]kubeapi.Port {
	if z.waiting || z.crashed != nil && !z.pod.ready {
		return nil
	}
	render := func(contentType string, body func() ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			z.mesh.mu.RLock()
			text, err := body()
			z.mesh.mu.RUnlock()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			answer(w, textHeader(contentType), http.StatusOK, text)
		}
	}
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if z.ready() {
			answer(w, textHeader("text/plain"), http.StatusOK, []byte("ready\n"))
			return
		}
		answer(w, textHeader("text/plain"), http.StatusInternalServerError,
			[]byte("not ready, pending: "+strings.Join(z.pending, ", ")+"\n"))
	}
	ports := ztunnelPorts(render("application/json", z.dump), render("text/plain; charset=utf-8", z.metrics), ready)
	if z.hangs {
		for number, p := range ports {
			p.Handler = silence{}
			ports[number] = p
		}
	}
	return ports
}
