package ztunnel

import (
	"strconv"
	"strings"
	"time"
)

// startsPlain says that a line begins with a date, as every plain record does.
func startsPlain(line string) bool {
	return len(line) > 20 && line[4] == '-' && line[7] == '-' && line[10] == 'T' &&
		line[0] >= '0' && line[0] <= '9' && line[3] >= '0' && line[3] <= '9'
}

// parsePlainRecord reads time, level, target, message and fields, parted by
// tabs; Istio's own components leave out the fields and at times the target.
// complete is false where the tab that ends a ztunnel's message is missing.
func parsePlainRecord(r *Record, line string) (ok, complete bool) {
	stamp, rest, tabbed := strings.Cut(line, "\t")
	if !tabbed {
		return parseSpacedRecord(r, line), true
	}
	at, ok := parseTime(stamp)
	if !ok {
		return false, false
	}
	level, rest, ok := strings.Cut(rest, "\t")
	if !ok || levelName(level) == "" {
		return false, false
	}
	r.Time, r.Level = at, levelName(level)
	target, rest, ok := strings.Cut(rest, "\t")
	if !ok {
		r.Message = target
		return true, true
	}
	r.setTarget(target)
	end := strings.LastIndexByte(rest, '\t')
	if end < 0 {
		r.Message = rest
		return true, false
	}
	r.Message = rest[:end]
	r.Fields = parseFields(r.Fields, rest[end+1:])
	return true, true
}

// parseSpacedRecord reads the form before 1.22:
// "2024-05-01T10:00:00.000000Z  INFO ztunnel::proxy::inbound: message key=value".
func parseSpacedRecord(r *Record, line string) bool {
	stamp, rest, _ := strings.Cut(line, " ")
	at, ok := parseTime(stamp)
	if !ok {
		return false
	}
	level, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	target, message, found := strings.Cut(rest, ": ")
	if levelName(level) == "" || !found {
		return false
	}
	r.Time, r.Level = at, levelName(level)
	r.setTarget(target)
	r.Message = message
	return true
}

func levelName(s string) string {
	switch s {
	case "info", "INFO":
		return "info"
	case "warn", "WARN":
		return "warn"
	case "error", "ERROR":
		return "error"
	case "debug", "DEBUG":
		return "debug"
	case "trace", "TRACE":
		return "trace"
	case "fatal":
		return "fatal"
	}
	return ""
}

// parseTime reads 2026-11-23T06:45:23.030417Z; other RFC 3339 forms go the slow way.
func parseTime(s string) (time.Time, bool) {
	if len(s) != 27 || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[26] != 'Z' {
		t, err := time.Parse(time.RFC3339Nano, s)
		return t.UTC(), err == nil
	}
	bad := 0
	number := func(from, to int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				bad++
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second, micro := number(11, 13), number(14, 16), number(17, 19), number(20, 26)
	if bad > 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC), true
}

// setTarget splits "state:proxy{wl=<ns>/<pod>}:inbound{id=… peer=<ip:port>}"
// into the module and its spans: a module holds "::" but no single colon.
func (r *Record) setTarget(s string) {
	module := s
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		if i+1 < len(s) && s[i+1] == ':' {
			i++
			continue
		}
		module = s[:i]
		r.Spans = parseSpans(r.Spans, s[i+1:])
		break
	}
	r.Target = strings.TrimPrefix(module, "ztunnel::")
}

// parseSpans reads name{field=value …}:name:name{…}. Values are not quoted and
// may hold spaces, colons and braces; a span ends at "}:" or at the end.
func parseSpans(spans []Span, s string) []Span {
	for s != "" {
		stop := strings.IndexAny(s, "{:")
		if stop < 0 {
			return append(spans, Span{Name: s})
		}
		if s[stop] == ':' {
			spans = append(spans, Span{Name: s[:stop]})
			s = s[stop+1:]
			continue
		}
		body, rest, _ := strings.Cut(s[stop+1:], "}:")
		if rest == "" {
			body = strings.TrimSuffix(body, "}")
		}
		spans = append(spans, Span{Name: s[:stop], Fields: parseFields(nil, body)})
		s = rest
	}
	return spans
}

// parseFields reads key=value key="quoted value" ….
func parseFields(fields []Field, s string) []Field {
	for {
		s = strings.TrimLeft(s, " ")
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return fields
		}
		key := s[:eq]
		s = s[eq+1:]
		if end := closingQuote(s); end > 0 {
			fields = append(fields, Field{key, unquote(s[1:end])})
			s = s[end+1:]
			continue
		}
		end := bareEnd(key, s)
		fields = append(fields, Field{key, s[:end]})
		s = s[end:]
	}
}

// closingQuote is where the quoted value that s begins with ends, 0 if it begins with none.
func closingQuote(s string) int {
	if s == "" || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// bareEnd is where a bare value ends: at the next " key=", since values written
// with Rust's Display may hold spaces. An error of 1.22 is bare, comes last and
// may hold anything.
func bareEnd(key, s string) int {
	if key == "error" {
		return len(s)
	}
	for i := 0; i < len(s); i++ {
		if s[i] != ' ' {
			continue
		}
		for j := i + 1; j < len(s); j++ {
			if s[j] == '=' && j > i+1 {
				return i
			}
			if !isKeyByte(s[j]) {
				break
			}
		}
	}
	return len(s)
}

func isKeyByte(c byte) bool {
	return c == '.' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// unquote undoes Rust's Debug escapes: \" \\ \n \t \r \0 \' \u{7f}.
func unquote(s string) string {
	at := strings.IndexByte(s, '\\')
	if at < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for {
		out.WriteString(s[:at])
		s = s[at+1:]
		if s == "" {
			return out.String()
		}
		n := writeEscape(&out, s)
		s = s[n:]
		if at = strings.IndexByte(s, '\\'); at < 0 {
			out.WriteString(s)
			return out.String()
		}
	}
}

// writeEscape writes what the escape at the start of s stands for and gives its length.
func writeEscape(out *strings.Builder, s string) int {
	switch s[0] {
	case 'n':
		out.WriteByte('\n')
	case 't':
		out.WriteByte('\t')
	case 'r':
		out.WriteByte('\r')
	case '0':
		out.WriteByte(0)
	case 'u':
		end := strings.IndexByte(s, '}')
		if end > 2 && s[1] == '{' {
			if code, err := strconv.ParseUint(s[2:end], 16, 32); err == nil {
				out.WriteRune(rune(code))
				return end + 1
			}
		}
		out.WriteByte('u')
	default:
		out.WriteByte(s[0])
	}
	return 1
}
