package load

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// logFacts are what a ztunnel's log says of its own state, line after line:
// the last word counts.
type logFacts struct {
	xds      mesh.XDSState
	cni      string
	started  time.Time
	starts   int
	sawInfo  bool
	first    time.Time
	last     time.Time
	nacks    []nack
	fdErrors int
	// startErrors are why pods were not served, by their UID.
	startErrors map[string]startError
}

type startError struct {
	text   string
	source mesh.Evidence
}

// nack is a resource that the ztunnel refused.
type nack struct {
	typeURL string
	text    string
	at      time.Time
	source  mesh.Evidence
}

// ztunnelLog reads a log beside what follows in the bundle.
func (l *ztunnelReader) ztunnelLog(t *ztunnelFiles, f bundle.File, previous bool) {
	room := min(mostFlows, mostObservations-len(l.mesh.Observations))
	l.logs.read(f, func(r io.Reader) func() {
		facts := logFacts{startErrors: map[string]startError{}}
		fl := newFlows(t.z, room)
		messages := newMessages("ztunnel", t.z.Name, t.z.NodeName, previous)
		err := facts.read(r, f.Path, fl, messages)
		return func() { l.ended(f.Path, plain(l.keepLog(t, facts, fl, messages, previous, err))) }
	})
}

// keepLog takes what a log was read to.
func (l *ztunnelReader) keepLog(t *ztunnelFiles, facts logFacts, fl *flows, messages *messages, previous bool, err error) error {
	if previous {
		t.z.Restarted = t.z.Restarted || facts.starts > 0
	} else {
		t.log = facts
	}
	return errors.Join(err, fl.err, l.keepObservations(fl.in), l.keepLogs(messages.logs))
}

// read follows a log to its end. The error is one of reading.
func (facts *logFacts) read(in io.Reader, file string, fl *flows, messages *messages) error {
	log := ztunnel.NewLogReader(in)
	for {
		r, err := log.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		window(&facts.first, &facts.last, r.Time)
		if a, ok := r.Access(); ok {
			facts.sawInfo = facts.sawInfo || r.Level == "info"
			fl.access(&a, r.Raw, file)
			continue
		}
		facts.record(r, file)
		if keepMessage(r) {
			messages.add(r, file)
		}
	}
}

// keepMessage is true of what rules may look at: warnings, errors, lines of
// no known form (a panic), and the few that ztunnel writes at info though
// they tell of trouble.
func keepMessage(r *ztunnel.Record) bool {
	switch r.Level {
	case "warn", "error", "":
		return true
	case "info":
		for _, s := range []string{
			"certificate renewal failed", "retrying workload failed", "process stream ended", "received signal",
			"drain duration expired", "pod delete request",
		} {
			if strings.HasPrefix(r.Message, s) {
				return true
			}
		}
	}
	return false
}

// record follows the states that only the order of lines tells.
func (facts *logFacts) record(r *ztunnel.Record, file string) {
	facts.sawInfo = facts.sawInfo || r.Level == "info"
	at := func() mesh.Evidence {
		return mesh.Evidence{File: file, Line: r.Line, Text: strings.Clone(clip(r.Raw, keptLine))}
	}
	switch {
	case strings.HasPrefix(r.Message, "version: "):
		facts.starts++
		facts.started = r.Time
		facts.xds, facts.cni, facts.nacks, facts.fdErrors = mesh.XDSState{}, "", nil, 0
		clear(facts.startErrors)
	case strings.HasPrefix(r.Target, "xds"):
		facts.xdsRecord(r, at)
	case strings.HasPrefix(r.Message, "failed to connect to the Istio CNI node agent over"),
		strings.HasPrefix(r.Message, "failed to connect to server"):
		facts.cni = "failing"
	case strings.HasPrefix(r.Message, "protocol mismatch error"), strings.HasPrefix(r.Message, "node agent announcement failed"):
		facts.cni = "failing"
	case r.Message == "handling new stream":
		facts.cni = "connected"
	case strings.HasPrefix(r.Message, "process stream ended"):
		facts.cni = "lost"
	case strings.Contains(r.Message, "(os error 24)"):
		facts.fdErrors++
	case strings.HasPrefix(r.Message, "failed to start proxy"), strings.HasPrefix(r.Message, "retrying workload failed"):
		if uid := r.Get("uid"); uid != "" && len(uid) <= keptName && len(facts.startErrors) < mostStates {
			facts.startErrors[strings.Clone(uid)] = startError{strings.Clone(clip(r.Message, keptText)), at()}
		}
	case r.Message == "pod received, starting proxy":
		delete(facts.startErrors, r.Get("uid"))
	}
}

// xdsRecord follows the connection to istiod (istio/ztunnel src/xds/client.rs, src/xds.rs).
func (facts *logFacts) xdsRecord(r *ztunnel.Record, at func() mesh.Evidence) {
	x := &facts.xds
	switch {
	case r.Message == "Stream established":
		*x = mesh.XDSState{State: "connected", Since: r.Time, Source: at()}
	case strings.HasPrefix(r.Message, "XDS client connection error"), strings.HasPrefix(r.Message, "XDS client error"):
		switch x.State {
		case "":
			// A log that rotation has cut does not say what there was before.
			x.State, x.Since, x.Count = "failing", r.Time, 0
			if facts.starts > 0 {
				x.State = "never"
			}
		case "connected":
			x.State, x.Since, x.Count = "failing", r.Time, 0
		}
		x.Count++
		x.Error, x.Class, x.Source = strings.Clone(clip(r.Message, keptText)), xdsClass(r.Message), at()
	case r.Message == "sending response" && r.Get("type") == "Nack":
		if len(facts.nacks) == mostStates {
			facts.nacks = facts.nacks[1:] // the last word counts
		}
		facts.nacks = append(facts.nacks, nack{strings.Clone(clip(r.Get("type_url"), keptName)), strings.Clone(clip(r.Get("error"), keptText)), r.Time, at()})
	}
}

func xdsClass(text string) string {
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("dns error"):
		return "dns"
	case has("invalid peer certificate"):
		return "untrusted"
	case has("Unauthenticated"), has("PermissionDenied"):
		return "rejected"
	case has("tcp connect error"), has("(Connect)"), has("Connection refused"):
		return "connect"
	case has("deadline"), has("timed out"), has("timeout"):
		return "timeout"
	}
	return "other"
}
