package sim

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// log renders the current or the previous instance's output.
func (z *ztunnel) log(_ string, previous bool) (logText, bool) {
	if z.waiting {
		return logText{}, false
	}
	if previous {
		if z.before != nil {
			return joinLines(z.before), true
		}
		if z.crashed == nil {
			return logText{}, false
		}
		return joinLines(z.crashed.lines), true
	}
	return joinLines(z.lines), true
}

func joinLines(lines []logLine) logText {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(l.String())
	}
	text := logText{text: []byte(out.String())}
	if len(lines) > 0 {
		text.started = lines[0].at
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
func (z *ztunnel) ports() map[int32]port {
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
			p.hang = true
			ports[number] = p
		}
	}
	return ports
}
