// Package openmetrics reads the metrics text of ztunnel, istiod and istio-cni:
// OpenMetrics 1.0 and the Prometheus text format it grew from, told apart by
// nothing, since ztunnel's content type does not tell them apart either.
//
// It exists beside the well-known parsers because findings point to the line a
// sample stands on, which those do not keep.
package openmetrics

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Limits on what a metrics file may hold. A real ztunnel's lines stay below 2 KB.
const (
	maxLine   = 64 << 10
	maxErrors = 20
	maxSize   = 500_000   // samples and families
	maxText   = 128 << 20 // bytes that are kept

	usualLabels = 32 // that a sample of ztunnel's has
)

// Set is one scrape.
type Set struct {
	Families []*Family

	size     int // samples and families
	only     []string
	byName   map[string]*Family
	bySample map[string][]*Sample
}

// Family is what stands under one TYPE line, or samples that have none.
type Family struct {
	Name    string // as in the TYPE line: without the _total of OpenMetrics' counters
	Type    string // "counter", "gauge", "histogram", …; "" where no TYPE line says
	Unit    string
	Help    string
	Samples []*Sample
}

// Sample is one line.
type Sample struct {
	Name   string
	Labels Labels // in order of the line
	Value  float64
	Line   int // from 1
}

// Label is one name and value.
type Label struct{ Name, Value string }

// Labels are a sample's labels in the order of its line.
type Labels []Label

// Get is the value of a label, "" where there is none of that name.
func (ls Labels) Get(name string) string {
	for _, l := range ls {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// Get is the value of a label, "" where the sample lacks it.
func (s *Sample) Get(name string) string { return s.Labels.Get(name) }

// Parse reads a whole scrape, or of it only the families whose names begin
// with one of those given. Lines that can't be read are errors with their
// number, joined; everything else is in the set all the same.
func Parse(r io.Reader, only ...string) (*Set, error) {
	set := &Set{byName: map[string]*Family{}, bySample: map[string][]*Sample{}, only: only}
	in := bufio.NewReaderSize(r, maxLine)
	var errs []error
	kept := 0
	for line := 1; ; line++ {
		text, long, end := set.readLine(in)
		err := set.line(text, line)
		if long {
			err = errLine
		}
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, fmt.Errorf("line %d: %w", line, err))
		}
		if kept += len(text); end == nil && (set.size > maxSize || kept > maxText) {
			end = errTooMuch
		}
		switch {
		case errors.Is(end, io.EOF):
			return set, errors.Join(errs...)
		case end != nil:
			return set, errors.Join(append(errs, fmt.Errorf("line %d: %w", line, end))...)
		}
	}
}

var (
	errLine    = fmt.Errorf("it is longer than %d KB", maxLine>>10)
	errTooMuch = fmt.Errorf("there are more than %d samples or %d MB; the rest was left out", maxSize, maxText>>20)
)

// readLine gives a line without its end, and io.EOF with the last one. One
// that is too long is passed over, and of one that is not wanted nothing is given.
func (s *Set) readLine(in *bufio.Reader) (text string, long bool, err error) {
	line, err := in.ReadSlice('\n')
	switch {
	case !errors.Is(err, bufio.ErrBufferFull) && !s.wants(line):
		return "", false, err
	case !errors.Is(err, bufio.ErrBufferFull):
		return strings.TrimSuffix(string(line), "\n"), false, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return "", true, err
}

// wants looks at the name of a sample, or of the family that a comment is about.
func (s *Set) wants(line []byte) bool {
	if len(s.only) == 0 {
		return true
	}
	if line, ok := bytes.CutPrefix(line, []byte("# ")); ok {
		_, about, _ := bytes.Cut(line, []byte(" "))
		return s.begins(about)
	}
	return s.begins(line)
}

func (s *Set) begins(text []byte) bool {
	return slices.ContainsFunc(s.only, func(name string) bool {
		return len(text) >= len(name) && string(text[:len(name)]) == name
	})
}

func (s *Set) line(text string, n int) error {
	text = strings.TrimRight(text, "\r")
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case strings.HasPrefix(text, "#"):
		s.comment(text)
		return nil
	}
	sample, err := ParseSample(text)
	if err != nil {
		return err
	}
	sample.Line = n
	s.add(sample)
	return nil
}

func (s *Set) comment(text string) {
	parts := strings.SplitN(text, " ", 4)
	if len(parts) < 3 {
		return
	}
	rest := ""
	if len(parts) == 4 {
		rest = parts[3]
	}
	switch parts[1] {
	case "HELP":
		s.family(parts[2]).Help = unescape(rest)
	case "TYPE":
		s.family(parts[2]).Type = rest
	case "UNIT":
		s.family(parts[2]).Unit = rest
	}
}

func (s *Set) family(name string) *Family {
	f := s.byName[name]
	if f == nil {
		f = &Family{Name: name}
		s.byName[name] = f
		s.size++
		s.Families = append(s.Families, f)
	}
	return f
}

// suffixes that OpenMetrics and Prometheus put behind a family's name.
var suffixes = []string{"_total", "_created", "_bucket", "_count", "_sum", "_info"}

func (s *Set) add(sample *Sample) {
	f := s.byName[sample.Name]
	for _, suffix := range suffixes {
		if f != nil {
			break
		}
		if base, ok := strings.CutSuffix(sample.Name, suffix); ok {
			f = s.byName[base]
		}
	}
	if f == nil {
		f = s.family(sample.Name)
	}
	s.size++
	f.Samples = append(f.Samples, sample)
	s.bySample[sample.Name] = append(s.bySample[sample.Name], sample)
}

// Lookup gives the samples of one name ("istio_tcp_connections_opened_total").
// known is false where neither a sample nor a family of that name is there:
// ztunnel leaves out families without samples, so absence is not zero.
func (s *Set) Lookup(name string) (samples []*Sample, known bool) {
	if samples = s.bySample[name]; samples != nil {
		return samples, true
	}
	_, known = s.byName[strings.TrimSuffix(name, "_total")]
	return nil, known
}

// Sum adds the samples of one name whose labels hold all of match. ok is
// false where no sample matches: an absent series is not zero.
func (s *Set) Sum(name string, match map[string]string) (sum float64, ok bool) {
next:
	for _, sample := range s.bySample[name] {
		for k, v := range match {
			if sample.Get(k) != v {
				continue next
			}
		}
		sum += sample.Value
		ok = true
	}
	return sum, ok
}

// ParseSample reads one line that is no comment.
func ParseSample(text string) (*Sample, error) {
	end := strings.IndexAny(text, "{ \t")
	if end <= 0 {
		return nil, fmt.Errorf("no metric name and value in %q", clip(text))
	}
	sample := &Sample{Name: text[:end]}
	rest := text[end:]
	if rest[0] == '{' {
		var err error
		if sample.Labels, rest, err = parseLabels(rest[1:]); err != nil {
			return nil, err
		}
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return nil, fmt.Errorf("metric %s has no value", sample.Name)
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, fmt.Errorf("metric %s: value %q is no number", sample.Name, clip(fields[0]))
	}
	sample.Value = value
	return sample, nil
}

func parseLabels(text string) (labels Labels, rest string, err error) {
	labels = make(Labels, 0, min(strings.Count(text, "="), usualLabels))
	for {
		text = strings.TrimLeft(text, " ,")
		if strings.HasPrefix(text, "}") {
			return labels, text[1:], nil
		}
		name, value, found := strings.Cut(text, "=")
		if !found || !strings.HasPrefix(value, `"`) {
			return nil, "", fmt.Errorf("labels end early at %q", clip(text))
		}
		end := closingQuote(value)
		if end < 0 {
			return nil, "", fmt.Errorf("label %s has no closing quote", clip(name))
		}
		labels = append(labels, Label{Name: strings.TrimSpace(name), Value: unescape(value[1:end])})
		text = value[end+1:]
	}
}

func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch i++; s[i] {
			case 'n':
				b.WriteByte('\n')
				continue
			case '\\', '"':
			default:
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
