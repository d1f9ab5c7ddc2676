package ztunnel

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSONRecord reads a record written with LOG_FORMAT=json: level, time,
// scope, message, then fields, then spans as objects.
func parseJSONRecord(r *Record, line string) bool {
	s := jsonScanner{rest: line}
	timed := false
	ok := s.object(func(key string, kind byte) {
		if kind == '{' {
			r.Spans = append(r.Spans, Span{Name: key, Fields: s.fields()})
			return
		}
		value := s.scalar(kind)
		switch key {
		case "level":
			r.Level = levelName(strings.ToLower(value))
		case "time":
			r.Time, timed = parseTime(value)
		case "scope", "target":
			r.Target = strings.TrimPrefix(value, "ztunnel::")
		case "message", "msg":
			r.Message = value
		default:
			r.Fields = append(r.Fields, Field{key, value})
		}
	})
	return ok && s.end() && r.Level != "" && timed
}

// jsonScanner reads the flat objects of a log without a decoder's upkeep.
// After a syntax error it stays bad.
type jsonScanner struct {
	rest string
	bad  bool
}

// object calls member before each value; member must read it.
func (s *jsonScanner) object(member func(key string, kind byte)) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for !s.bad {
		key := s.string()
		if !s.take(':') {
			s.bad = true
		}
		kind := s.peek()
		if s.bad {
			break
		}
		member(key, kind)
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return !s.bad
		}
		s.bad = true
	}
	return false
}

// fields reads an object of scalars.
func (s *jsonScanner) fields() []Field {
	var fields []Field
	if !s.object(func(key string, kind byte) {
		fields = append(fields, Field{key, s.scalar(kind)})
	}) {
		s.bad = true
	}
	return fields
}

// scalar reads a value as text: a string without quotes, anything else as it stands.
func (s *jsonScanner) scalar(kind byte) string {
	switch kind {
	case '"':
		return s.string()
	case '{', '[':
		return s.nested()
	}
	end := strings.IndexAny(s.rest, ",}] \t")
	if end <= 0 {
		s.bad = true
		return ""
	}
	text := s.rest[:end]
	s.rest = s.rest[end:]
	return text
}

// nested reads an array or object as it stands.
func (s *jsonScanner) nested() string {
	depth := 0
	for i := 0; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '"':
			end := closingQuote(s.rest[i:])
			if end == 0 {
				s.bad = true
				return ""
			}
			i += end
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				text := s.rest[:i+1]
				s.rest = s.rest[i+1:]
				return text
			}
		}
	}
	s.bad = true
	return ""
}

func (s *jsonScanner) string() string {
	s.space()
	end := closingQuote(s.rest)
	if end == 0 {
		s.bad = true
		return ""
	}
	quoted := s.rest[:end+1]
	s.rest = s.rest[end+1:]
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1:end]
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil && len(text) == 0 {
		s.bad = true
	}
	return string(text)
}

func (s *jsonScanner) peek() byte {
	s.space()
	if s.rest == "" {
		s.bad = true
		return 0
	}
	return s.rest[0]
}

func (s *jsonScanner) take(c byte) bool {
	s.space()
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *jsonScanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *jsonScanner) end() bool {
	s.space()
	return !s.bad && s.rest == ""
}
