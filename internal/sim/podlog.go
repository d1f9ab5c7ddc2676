package sim

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

// logText is what a container instance has written, with the moment of each line by its own
// timestamp, which is within microseconds of the one that a container runtime would note.
type logText struct {
	text []byte
	// started is the moment of lines that stand before the first timestamp.
	started time.Time
}

// logOptions are the query of pods/log, v1.PodLogOptions.
type logOptions struct {
	container  string
	previous   bool
	follow     bool
	timestamps bool
	since      time.Time
	tail       int
	limit      int
}

const unlimited = -1

func (s *apiServer) serveLog(w http.ResponseWriter, r *http.Request, a attributes) {
	pod, ok := s.reachable(w, a, a.name)
	if !ok {
		return
	}
	options, err := parseLogOptions(r.URL.Query(), s.world.now())
	if err != nil {
		writeStatus(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	text, err := pod.read(options)
	if err != nil {
		writeStatus(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	w.Write(text)
	if options.follow {
		if http.NewResponseController(w).Flush() == nil {
			<-r.Context().Done()
		}
	}
}

func parseLogOptions(values url.Values, now time.Time) (logOptions, error) {
	o := logOptions{
		container:  values.Get("container"),
		previous:   isTrue(values.Get("previous")),
		follow:     isTrue(values.Get("follow")),
		timestamps: isTrue(values.Get("timestamps")),
		tail:       unlimited,
		limit:      unlimited,
	}
	var err error
	if o.tail, err = optionalInt(values, "tailLines", 0); err != nil {
		return logOptions{}, err
	}
	if o.limit, err = optionalInt(values, "limitBytes", 1); err != nil {
		return logOptions{}, err
	}
	seconds, err := optionalInt(values, "sinceSeconds", 1)
	if err != nil {
		return logOptions{}, err
	}
	if seconds != unlimited {
		o.since = now.Add(-time.Duration(seconds) * time.Second)
	}
	if moment := values.Get("sinceTime"); moment != "" {
		if seconds != unlimited {
			return logOptions{}, fmt.Errorf("at most one of `sinceTime` or `sinceSeconds` may be specified")
		}
		if o.since, err = time.Parse(time.RFC3339, moment); err != nil {
			return logOptions{}, fmt.Errorf("sinceTime: %w", err)
		}
	}
	return o, nil
}

func isTrue(value string) bool { return value == "true" || value == "1" }

func optionalInt(values url.Values, key string, least int) (int, error) {
	value := values.Get(key)
	if value == "" {
		return unlimited, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s: Invalid value: %q: must be greater than or equal to %d", key, value, least)
	}
	return n, nil
}

// read gives the log as a kubelet would, k8s.io/kubernetes/pkg/kubelet/kuberuntime/logs; its
// errors are those of k8s.io/kubernetes/pkg/registry/core/pod LogLocation and of the kubelet.
func (p *podBackend) read(o logOptions) ([]byte, error) {
	if o.container == "" {
		if len(p.containers) != 1 {
			return nil, fmt.Errorf("a container name must be specified for pod %s, choose one of: %s", p.name, p.containers)
		}
		o.container = p.containers[0]
	}
	if !slices.Contains(p.containers, o.container) {
		return nil, fmt.Errorf("container %s is not valid for pod %s", o.container, p.name)
	}
	log, ok := p.log(o.container, o.previous)
	if !ok && o.previous {
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", o.container, p.name)
	}
	if !ok {
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", o.container, p.name)
	}
	return log.cut(o), nil
}

func (l logText) cut(o logOptions) []byte {
	text := l.text
	if !o.since.IsZero() {
		text = l.after(o.since)
	}
	if o.tail != unlimited {
		text = lastLines(text, o.tail)
	}
	if o.timestamps {
		text = l.stamped(text)
	}
	if o.limit != unlimited && len(text) > o.limit {
		text = text[:o.limit]
	}
	return text
}

// after drops the lines older than moment.
func (l logText) after(moment time.Time) []byte {
	rest := l.text
	at := l.started
	for len(rest) > 0 {
		line, next := firstLine(rest)
		if t, ok := lineTime(line); ok {
			at = t
		}
		if !at.Before(moment) {
			return rest
		}
		rest = next
	}
	return rest
}

func (l logText) stamped(text []byte) []byte {
	var out bytes.Buffer
	at := l.started
	for len(text) > 0 {
		var line []byte
		line, text = firstLine(text)
		if t, ok := lineTime(line); ok {
			at = t
		}
		out.WriteString(at.UTC().Format(runtimeStamp))
		out.WriteByte(' ')
		out.Write(line)
	}
	return out.Bytes()
}

// runtimeStamp is how a container runtime writes the moment of a line.
const runtimeStamp = "2006-01-02T15:04:05.000000000Z07:00"

// later is the log of a node whose clock is ahead.
func (l logText) later(by time.Duration) logText {
	out := logText{started: l.started.Add(by)}
	for text := l.text; len(text) > 0; {
		var line []byte
		line, text = firstLine(text)
		if at, ok := lineTime(line); ok {
			if stamp := bytes.IndexByte(line, 'Z'); stamp > 0 && line[0] != '{' {
				out.text = append(out.text, at.Add(by).UTC().Format("2006-01-02T15:04:05.000000Z")...)
				line = line[stamp+1:]
			}
		}
		out.text = append(out.text, line...)
	}
	return out
}

// firstLine splits text after its first line feed.
func firstLine(text []byte) (line, rest []byte) {
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

// lineTime reads the moment at the start of a plain log line or in the "time" of a JSON one.
func lineTime(line []byte) (time.Time, bool) {
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
