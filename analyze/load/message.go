package load

import (
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// mostMessages bounds how many distinct messages are kept of one log: past
// it, a log repeats itself in ways that no rule reads.
const mostMessages = 2000

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
	about := r.About()
	key := r.Level + "\t" + r.Target + "\t" + about + "\t" + r.Get("uid") + "\t" + r.Get("error") + "\t" + withoutNumbers(r.Message)
	log := m.by[key]
	if log == nil {
		if len(m.logs) == mostMessages {
			return
		}
		log = &mesh.Log{
			Component: m.component, PodName: m.pod, NodeName: m.node, Level: r.Level, Target: strings.Clone(r.Target),
			About: strings.Clone(about), First: r.Time, Previous: m.previous,
		}
		m.by[key] = log
		m.logs = append(m.logs, log)
	}
	log.Count++
	log.Last = r.Time
	log.Message = clip(strings.Clone(r.Message), 2000)
	log.Fields = fields(r)
	log.Source = mesh.Evidence{File: file, Line: r.Line, Text: clip(strings.Clone(r.Raw), 700)}
}

func fields(r *ztunnel.Record) map[string]string {
	out := map[string]string{}
	for _, f := range r.Fields {
		out[strings.Clone(f.Key)] = clip(strings.Clone(f.Value), 2000)
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
