package kubeapi

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Log is what a container instance has written, with the moment of each line by its own
// timestamp, which is within microseconds of the one that a container runtime would note.
type Log struct {
	Text []byte
	// Started is the moment of lines that stand before the first timestamp.
	Started time.Time
}

// LogOptions are the query of pods/log, v1.PodLogOptions.
type LogOptions struct {
	Container  string
	Previous   bool
	Follow     bool
	Timestamps bool
	Since      time.Time // the zero value for all
	Tail       int       // lines, or Unlimited
	Limit      int       // bytes, or Unlimited
}

// Unlimited is a limit that was not given.
const Unlimited = -1

func (q request) serveLog(a Attributes) {
	pod, ok := q.reachable(a)
	if !ok {
		return
	}
	options, err := ParseLogOptions(q.r.URL.Query(), q.Now())
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	text, err := pod.read(options)
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	q.w.Header().Set("Content-Type", "text/plain")
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(text) // the client went away
	if options.Follow {
		if http.NewResponseController(q.w).Flush() == nil {
			<-q.r.Context().Done()
		}
	}
}

// ParseLogOptions reads the query of a request for a log, at a moment of the cluster's clock.
func ParseLogOptions(values url.Values, now time.Time) (LogOptions, error) {
	o := LogOptions{
		Container:  values.Get("container"),
		Previous:   isTrue(values.Get("previous")),
		Follow:     isTrue(values.Get("follow")),
		Timestamps: isTrue(values.Get("timestamps")),
		Tail:       Unlimited,
		Limit:      Unlimited,
	}
	var err error
	if o.Tail, err = optionalInt(values, "tailLines", 0); err != nil {
		return LogOptions{}, err
	}
	if o.Limit, err = optionalInt(values, "limitBytes", 1); err != nil {
		return LogOptions{}, err
	}
	seconds, err := optionalInt(values, "sinceSeconds", 1)
	if err != nil {
		return LogOptions{}, err
	}
	if seconds != Unlimited {
		o.Since = now.Add(-time.Duration(seconds) * time.Second)
	}
	if moment := values.Get("sinceTime"); moment != "" {
		if seconds != Unlimited {
			return LogOptions{}, fmt.Errorf("at most one of `sinceTime` or `sinceSeconds` may be specified")
		}
		if o.Since, err = time.Parse(time.RFC3339, moment); err != nil {
			return LogOptions{}, fmt.Errorf("sinceTime: %w", err)
		}
	}
	return o, nil
}

func isTrue(value string) bool { return value == "true" || value == "1" }

func optionalInt(values url.Values, key string, least int) (int, error) {
	value := values.Get(key)
	if value == "" {
		return Unlimited, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s: Invalid value: %q: must be greater than or equal to %d", key, value, least)
	}
	return n, nil
}

// read gives the log as a kubelet would, k8s.io/kubernetes/pkg/kubelet/kuberuntime/logs; its
// errors are those of k8s.io/kubernetes/pkg/registry/core/pod LogLocation and of the kubelet.
func (p Pod) read(o LogOptions) ([]byte, error) {
	if o.Container == "" {
		if len(p.Containers) != 1 {
			return nil, fmt.Errorf("a container name must be specified for pod %s, choose one of: %s", p.Name, p.Containers)
		}
		o.Container = p.Containers[0]
	}
	if !slices.Contains(p.Containers, o.Container) {
		return nil, fmt.Errorf("container %s is not valid for pod %s", o.Container, p.Name)
	}
	log, ok := p.Log(o.Container, o.Previous)
	if !ok && o.Previous {
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", o.Container, p.Name)
	}
	if !ok {
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", o.Container, p.Name)
	}
	return log.cut(o), nil
}

func (l Log) cut(o LogOptions) []byte {
	text := l.Text
	if !o.Since.IsZero() {
		text = l.after(o.Since)
	}
	if o.Tail != Unlimited {
		text = lastLines(text, o.Tail)
	}
	if o.Timestamps {
		text = l.stamped(text)
	}
	if o.Limit != Unlimited && len(text) > o.Limit {
		text = text[:o.Limit]
	}
	return text
}

// after drops the lines older than moment.
func (l Log) after(moment time.Time) []byte {
	rest := l.Text
	at := l.Started
	for len(rest) > 0 {
		line, next := FirstLine(rest)
		if t, ok := LineTime(line); ok {
			at = t
		}
		if !at.Before(moment) {
			return rest
		}
		rest = next
	}
	return rest
}

func (l Log) stamped(text []byte) []byte {
	var out bytes.Buffer
	at := l.Started
	for len(text) > 0 {
		var line []byte
		line, text = FirstLine(text)
		if t, ok := LineTime(line); ok {
			at = t
		}
		out.WriteString(at.UTC().Format(RuntimeStamp))
		out.WriteByte(' ')
		out.Write(line)
	}
	return out.Bytes()
}

// RuntimeStamp is how a container runtime writes the moment of a line.
const RuntimeStamp = "2006-01-02T15:04:05.000000000Z07:00"

// Later is the log of a node whose clock is ahead.
func (l Log) Later(by time.Duration) Log {
	out := Log{Started: l.Started.Add(by)}
	for text := l.Text; len(text) > 0; {
		var line []byte
		line, text = FirstLine(text)
		if at, ok := LineTime(line); ok {
			if stamp := bytes.IndexByte(line, 'Z'); stamp > 0 && line[0] != '{' {
				out.Text = append(out.Text, at.Add(by).UTC().Format("2006-01-02T15:04:05.000000Z")...)
				line = line[stamp+1:]
			}
		}
		out.Text = append(out.Text, line...)
	}
	return out
}

// FirstLine splits text after its first line feed.
func FirstLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1], text[i+1:]
	}
	return text, nil
}

func lastLines(text []byte, n int) []byte {
	end := len(text)
	if end > 0 && text[end-1] == '\n' {
		end--
	}
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(text[:end], '\n')
		if i < 0 {
			return text
		}
		end = i
	}
	if end == len(text) {
		return nil
	}
	return text[end+1:]
}

// LineTime reads the moment at the start of a plain log line or in the "time" of a JSON one.
func LineTime(line []byte) (time.Time, bool) {
	head := string(line[:min(len(line), 96)])
	if strings.HasPrefix(head, "{") {
		_, after, found := strings.Cut(head, `"time":"`)
		if !found {
			return time.Time{}, false
		}
		head = after
	}
	end := strings.IndexByte(head, 'Z')
	if end < 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, head[:end+1])
	return t, err == nil
}

// LastTime is the moment of the last line.
func (l Log) LastTime() time.Time {
	last := l.Started
	for line := range bytes.Lines(l.Text) {
		if t, ok := LineTime(line); ok {
			last = t
		}
	}
	return last
}
