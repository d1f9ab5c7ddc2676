package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// componentLog reads the log of istiod, istio-cni or a gateway: Istio's Go
// format (istio/istio pkg/log), time, level, an optional scope and the
// message parted by tabs, or its JSON form.
func (l *loader) componentLog(component, namespace, pod, node string, f bundle.File, previous bool) error {
	m := newMessages(component, pod, node, previous)
	in := bufio.NewReaderSize(f.Reader, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if len(line) > 0 {
			if r, ok := goRecord(line, n); ok && (r.Level == "warn" || r.Level == "error") {
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
			Time  time.Time `json:"time"`
			Level string    `json:"level"`
			Scope string    `json:"scope"`
			Msg   string    `json:"msg"`
		}
		if json.Unmarshal([]byte(line), &o, lenient()) != nil {
			return ztunnel.Record{}, false
		}
		return ztunnel.Record{Line: n, Time: o.Time, Level: o.Level, Target: o.Scope, Message: o.Msg, Raw: line}, true
	}
	parts := strings.SplitN(line, "\t", 4)
	if len(parts) < 3 {
		return ztunnel.Record{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil {
		return ztunnel.Record{}, false
	}
	r := ztunnel.Record{Line: n, Time: at.UTC(), Level: parts[1], Message: parts[2], Raw: line}
	if len(parts) == 4 {
		r.Target, r.Message = parts[2], parts[3]
	}
	return r, true
}
