package redact

import (
	"bytes"
	"time"
)

// urlPassword finds scheme://user:password@host.
func urlPassword(b []byte, at int) (leak, bool) {
	from := at + len("x://")
	to := run(b, from, func(c byte) bool { return isValueByte(c) && c != '/' && c != '@' && c != '?' && c != '#' })
	if to == len(b) || b[to] != '@' || !bytes.Contains(b[from:to], []byte(":")) {
		return leak{}, false
	}
	return leak{kind: "password", from: from, to: to}, true
}

// dockerAuth finds a registry's credentials: "auth": "<user:password in base64>".
func dockerAuth(b []byte, at int) (leak, bool) {
	quote := run(b, at+4, func(c byte) bool { return c == '\\' })
	if quote >= len(b) || b[quote] != '"' || at == 0 || b[at-1] != '"' {
		return leak{}, false
	}
	from := run(b, quote+1, func(c byte) bool { return c == ' ' || c == ':' || c == '\\' || c == '"' })
	to := run(b, from, isBase64)
	return leak{kind: "docker credential", from: from, to: to}, to-from >= 4 && bytes.IndexByte(b[quote:from], ':') >= 0
}

// assignment finds the value that is given to a name that ends in name: in
// `name=value`, `name: value` and `"name": "value"`. A number as JSON has it
// leaves a string.
func assignment(name string, least int) finder {
	return func(b []byte, at int) (leak, bool) {
		// The anchor is somewhere in the name; at most its length after its beginning.
		end := -1
		for from := max(0, at-len(name)); from <= at; from++ {
			if foldsTo(b, from, name) {
				end = from + len(name)
			}
		}
		if end < 0 {
			return leak{}, false
		}
		sign := run(b, end, func(c byte) bool { return c == '\\' || c == '"' || c == '\'' || c == ' ' })
		if sign >= len(b) || b[sign] != '=' && b[sign] != ':' {
			return leak{}, false
		}
		from := run(b, sign+1, func(c byte) bool { return c == '\\' || c == '"' || c == '\'' || c == ' ' })
		to := run(b, from, isValueByte)
		value, quoted := b[from:to], bytes.ContainsAny(b[sign+1:from], "\"'")
		if b[sign] == ':' && !quoted && !bytes.ContainsAny(value, "0123456789") {
			return leak{}, false // "failed to read the secret: permission denied"
		}
		if !quoted && isDuration(value) {
			return leak{}, false // "for config Secret/istio-system/istio-ca-secret: 100.9ms since last change"
		}
		hit := leak{kind: "password", from: from, to: to}
		if i := bytes.IndexByte(b[end:sign], '"'); i >= 0 && !quoted && b[sign] == ':' {
			mark := b[end : end+i+1] // with the backslashes of a string in a string
			hit.quote = string(mark[runBack(mark, i, func(c byte) bool { return c == '\\' }):])
		}
		return hit, len(value) >= least && !isWord(value)
	}
}

// isWord is true of what follows a colon in prose and of what stands for no secret.
func isWord(value []byte) bool {
	switch string(value) {
	case "null", "true", "false", "nil", "none", "redacted", "[redacted]":
		return true
	}
	return false
}

// isDuration is true of a time span as Go prints it.
func isDuration(value []byte) bool {
	_, err := time.ParseDuration(string(value))
	return err == nil && value[len(value)-1] == 's'
}
