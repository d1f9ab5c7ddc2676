package redact

import (
	"bytes"
	"io"
	"regexp"
)

// RequestMask passes on a gateway's log without what its clients asked for:
// paths with their queries, and client addresses, in Envoy's access log as
// Istio formats it, text or JSON (istio/istio pkg/log, mesh accessLogFormat
// and pilot/pkg/model EnvoyTextLogFormat). Flush ends it.
type RequestMask struct {
	w      io.Writer
	line   []byte
	masked int
}

// NewRequestMask masks what goes to w.
func NewRequestMask(w io.Writer) *RequestMask { return &RequestMask{w: w} }

// maxLogLine is how much of a line is looked at as one.
const maxLogLine = 64 << 10

func (m *RequestMask) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			end = len(p)
		}
		take := min(end, maxLogLine-len(m.line))
		m.line = append(m.line, p[:take]...)
		p = p[take:]
		if m.line[len(m.line)-1] == '\n' || len(m.line) == maxLogLine {
			if err := m.Flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// Flush passes on a line that has no end yet.
func (m *RequestMask) Flush() error {
	if len(m.line) == 0 {
		return nil
	}
	out := maskRequest(m.line)
	if !bytes.Equal(out, m.line) {
		m.masked++
	}
	_, err := m.w.Write(out)
	m.line = m.line[:0]
	return err
}

// Masked is how many lines lost something.
func (m *RequestMask) Masked() int { return m.masked }

var (
	requestLine = regexp.MustCompile(`"([A-Z]{3,16}) [^" ]+( HTTP/[0-9.]+)?"`)
	requestJSON = regexp.MustCompile(`("(?:path|x_forwarded_for|downstream_remote_address|x[-_]envoy[-_]original[-_]path|x[-_]forwarded[-_]for|referer|url|uri)"\s*:\s*)"(?:[^"\\]|\\.)*"`)
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// Places in the text format: the client's addresses as it and its proxies
// tell them, and, in words after the last quoted value, its own.
const (
	quotedForwardedFor = 2
	quotedFields       = 7
	wordRemoteAddress  = 3
)

func maskRequest(line []byte) []byte {
	if !bytes.HasPrefix(line, []byte("[")) {
		line = requestJSON.ReplaceAll(line, []byte(`$1"[masked]"`))
		return requestLine.ReplaceAll(line, []byte(`"$1 [masked]$2"`))
	}
	if !requestLine.Match(line) && !bytes.Contains(line, []byte(`"- - -"`)) {
		return line
	}
	at := quoted.FindAllIndex(line, -1)
	if len(at) == quotedFields {
		tail := bytes.SplitAfter(line[at[quotedFields-1][1]:], []byte(" "))
		if len(tail) > wordRemoteAddress+1 {
			tail[wordRemoteAddress+1] = []byte("[masked] ")
		}
		x := at[quotedForwardedFor]
		line = bytes.Join([][]byte{line[:x[0]], []byte(`"[masked]"`), line[x[1]:at[quotedFields-1][1]], bytes.Join(tail, nil)}, nil)
	}
	return requestLine.ReplaceAll(line, []byte(`"$1 [masked]$2"`))
}
