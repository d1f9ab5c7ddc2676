package load

import (
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// mostMessages bounds how many distinct messages are kept of one log: past
// it, a log repeats itself in ways that no rule reads.
const mostMessages = 2000

// What is kept of one line: all that ztunnel and Istio write.
const (
	keptLine     = 700
	keptGoodLine = 200 // of a connection that went as it should, which most do
	keptText     = 2000
	keptName     = 600 // two Kubernetes names and what joins them
	keptFields   = 50
)

// messages gathers the distinct messages of one log.
type messages struct {
	component, pod, node string
	previous             bool
	by                   map[string]*mesh.Log
	logs                 []*mesh.Log
}

func newMessages(component, pod, node string, previous bool) *messages {
	return &messages{component: component, pod: pod, node: node, previous: previous, by: map[string]*mesh.Log{}}
}

// add counts a record with those that differ from it in numbers only; what is
// shown of them is the newest.
func (m *messages) add(r *ztunnel.Record, file string) {
	about := clip(aboutOf(r), keptName)
	target := clip(r.Target, keptName)
	key := r.Level + "\t" + target + "\t" + about + "\t" + clip(r.Get("uid"), keptName) + "\t" + clip(r.Get("error"), keptText) + "\t" + withoutNumbers(r.Message)
	log := m.by[key]
	if log == nil {
		if len(m.logs) == mostMessages {
			return
		}
		log = &mesh.Log{
			Component: m.component, PodName: m.pod, NodeName: m.node, Level: r.Level, Target: strings.Clone(target),
			About: strings.Clone(about), First: r.Time, Previous: m.previous,
		}
		m.by[key] = log
		m.logs = append(m.logs, log)
	}
	log.Count++
	log.Last = r.Time
	log.Message = strings.Clone(clip(r.Message, keptText))
	log.Fields = fields(r)
	log.Source = mesh.Evidence{File: file, Line: r.Line, Text: strings.Clone(clip(r.Raw, keptLine))}
}

// aboutOf is the pod that a record is about, "<ns>/<name>": by its span, or by the fields that istio-cni gives its lines.
func aboutOf(r *ztunnel.Record) string {
	if about := r.About(); about != "" {
		return about
	}
	if ns, name := r.Get("ns"), r.Get("name"); ns != "" && name != "" {
		return ns + "/" + name
	}
	return ""
}

func fields(r *ztunnel.Record) map[string]string {
	out := map[string]string{}
	for _, f := range r.Fields[:min(len(r.Fields), keptFields)] {
		out[strings.Clone(clip(f.Key, keptName))] = strings.Clone(clip(f.Value, keptText))
	}
	return out
}

// withoutNumbers makes messages with other counts, times or ports one.
func withoutNumbers(s string) string {
	var b strings.Builder
	digits := false
	for i := 0; i < len(s) && i < 600; i++ {
		c := s[i]
		if c >= '0' && c <= '9' {
			if !digits {
				b.WriteByte('#')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteByte(c)
	}
	return b.String()
}
