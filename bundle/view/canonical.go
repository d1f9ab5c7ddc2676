package view

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/bundle/redact"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// canonical puts what ztunnel prints in random order, out of Rust hash maps,
// into sorted order: each workload's services and config.illegalPorts. All
// else stays byte for byte, but for what is withheld, which it names.
func canonical(section string, v jsontext.Value, keepPEM bool) (out []byte, withheld string) {
	v, withheld = redact.Section(section, v, keepPEM)
	switch section {
	case "workloads":
		return sortServices(v), withheld
	case "config":
		return rawjson.EditMembers(v, map[string]rawjson.Edit{"illegalPorts": sortNumbers}), withheld
	}
	return v, withheld
}

func sortServices(v jsontext.Value) []byte {
	if !bytes.Contains(v, []byte(`"services"`)) {
		return v
	}
	if from, to, ok := onlyMember(v, "services"); ok {
		if bytes.IndexByte(v[from:to], ',') < 0 {
			return v // one at most
		}
		return slices.Concat(v[:from], sortStrings(jsontext.Value(v[from:to])), v[to:])
	}
	return sortServicesParsed(v)
}

func sortServicesParsed(v jsontext.Value) []byte {
	return rawjson.EditMembers(v, map[string]rawjson.Edit{"services": sortStrings})
}

// onlyMember is where in an object the value of a name stands. It reads valid
// JSON without the cost of checking it again, once for each workload on each
// node; ok is false of what is spelled or built in an unusual way.
func onlyMember(v jsontext.Value, name string) (from, to int, ok bool) {
	depth, key := 0, false // key is true where a member's name is due
	begun := false         // the value that is looked for
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			end := stringEnd(v, i)
			if end < 0 {
				return 0, 0, false
			}
			if text := v[i+1 : end]; key && depth == 1 {
				if bytes.IndexByte(text, '\\') >= 0 {
					return 0, 0, false
				}
				if begun = string(text) == name; begun && to > 0 {
					return 0, 0, false // twice
				}
			}
			i = end
		case ':':
			if key = false; begun && depth == 1 {
				from = i + 1
			}
		case '{', '[':
			depth++
			key = v[i] == '{'
		case '}', ']', ',':
			if begun && depth == 1 {
				begun, to = false, i
			}
			if v[i] == ',' {
				key = depth == 1
			} else {
				depth--
			}
		}
	}
	for from < to && isSpace(v[from]) {
		from++
	}
	for from < to && isSpace(v[to-1]) {
		to--
	}
	return from, to, to > from && v[0] == '{'
}

// stringEnd is where the string that begins at from has its last quote, or -1.
func stringEnd(v []byte, from int) int {
	for at := from + 1; ; {
		i := bytes.IndexByte(v[at:], '"')
		if i < 0 {
			return -1
		}
		at += i
		escapes := 0
		for v[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
		at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func sortStrings(v jsontext.Value) []byte {
	return sortElements(v, func(a, b []byte) int { return bytes.Compare(a, b) })
}

func sortNumbers(v jsontext.Value) []byte {
	return sortElements(v, func(a, b []byte) int {
		x, errX := strconv.Atoi(string(a))
		y, errY := strconv.Atoi(string(b))
		if errX != nil || errY != nil {
			return bytes.Compare(a, b)
		}
		return cmp.Compare(x, y)
	})
}

// sortElements puts an array's scalars in order and leaves the space between them alone.
func sortElements(v jsontext.Value, order func(a, b []byte) int) []byte {
	if v.Kind() != '[' {
		return v
	}
	dec := rawjson.NewDecoder(bytes.NewReader(v))
	if _, err := dec.ReadToken(); err != nil {
		return v
	}
	type span struct{ from, to int64 }
	var spans []span
	var elements [][]byte
	for dec.PeekKind() != ']' {
		e, err := dec.ReadValue()
		if err != nil {
			return v
		}
		end := dec.InputOffset()
		spans = append(spans, span{end - int64(len(e)), end})
		elements = append(elements, bytes.Clone(e))
	}
	if slices.IsSortedFunc(elements, order) {
		return v
	}
	slices.SortStableFunc(elements, order)
	var out []byte
	at := int64(0)
	for i, s := range spans {
		out = append(append(out, v[at:s.from]...), elements[i]...)
		at = s.to
	}
	return append(out, v[at:]...)
}
