package redact

import (
	"bytes"
	"encoding/base64"
)

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
)

// pemKey finds a private key in PEM: over several lines, each perhaps behind
// a time and a level, or in one line with its line feeds escaped.
func pemKey(b []byte, at int) (leak, bool) {
	from := at - 3
	if from < 0 || !bytes.HasPrefix(b[from:], []byte(pemBegin)) {
		return leak{}, false
	}
	label, _, ok := bytes.Cut(b[from+len(pemBegin):min(len(b), from+80)], []byte("-----"))
	if !ok || !bytes.HasSuffix(label, []byte("PRIVATE KEY")) {
		return leak{}, false
	}
	to := from + len(pemBegin) + len(label) + len("-----")
	body := b[to:min(len(b), to+leakAhead/2)]
	for n := 0; ; {
		line, rest, more := bytes.Cut(body[n:], []byte("\n"))
		if end := bytes.Index(line, []byte(pemEnd)); end >= 0 && isKeyLine(line[:end], true) {
			tail := end + len(pemEnd) + len(label) + len("-----")
			return leak{kind: "private key", from: from, to: to + n + min(len(line), tail)}, true
		}
		next, _, _ := bytes.Cut(rest, []byte("\n"))
		if !isKeyLine(line, bytes.Contains(next, []byte(pemEnd))) {
			// No end: a log was cut, or something else stands in between.
			if n == 0 {
				n = run(line, 0, isKeyByte)
			} else {
				n--
			}
			return leak{kind: "private key", from: from, to: to + n}, true
		}
		if n += len(line); !more {
			return leak{kind: "private key", from: from, to: to + n}, true
		}
		n++
	}
}

// isKeyLine is true of a line of a PEM body, with what a log puts before it.
// Only the last one is as short as a word of prose.
func isKeyLine(line []byte, last bool) bool {
	if colon := bytes.Index(line, []byte(": ")); colon > 0 && (bytes.HasSuffix(line[:colon], []byte("Proc-Type")) || bytes.HasSuffix(line[:colon], []byte("DEK-Info"))) {
		return true
	}
	field := lastField(line)
	return run(field, 0, isKeyByte) == len(field) && (last || len(field) == 0 || len(field) >= 16)
}

func lastField(line []byte) []byte {
	line = bytes.TrimRight(line, " \t\r")
	return line[bytes.LastIndexAny(line, " \t")+1:]
}

// isKeyByte is true of base64 and of line feeds escaped in a string.
func isKeyByte(c byte) bool { return isBase64(c) || c == '\\' }

// encodedPEM finds a private key in PEM in base64, as kubeconfigs hold it.
func encodedPEM(b []byte, at int) (leak, bool) {
	to := run(b, at, isBase64)
	head := b[at:min(to, at+80)]
	text, _ := base64.StdEncoding.DecodeString(string(head[:len(head)/4*4]))
	if !bytes.HasPrefix(text, []byte(pemBegin)) || !bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		return leak{}, false
	}
	return leak{kind: "private key", from: at, to: to}, true
}

// derPrefixes are how a private key begins in base64, "?" any character:
// PKCS #8 with RSA, PKCS #1, PKCS #8 with P-256, SEC 1, PKCS #8 with Ed25519.
var derPrefixes = []string{
	"MII??gIBADANBgkqhkiG9w0BAQEFAASC", "MII???IBADANBgkqhkiG9w0BAQEFAASC", "MII???IBAAKC", "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49", "MHcCAQEEI", "MC4CAQAwBQYDK2VwBCIEI",
}

// derKey finds the body of a private key whose first line was cut off.
func derKey(b []byte, at int) (leak, bool) {
	from := runBack(b, at, isBase64)
	for _, prefix := range derPrefixes {
		if matches(b[from:], prefix) {
			to := run(b, from, isBase64)
			for to-from >= 64 { // further lines
				next := run(b, to, func(c byte) bool { return c == '\r' || c == '\n' })
				end := run(b, next, isBase64)
				if next == to || end == next {
					break
				}
				to = end
			}
			return leak{kind: "private key", from: from, to: to}, to-from > len(prefix)+16
		}
	}
	return leak{}, false
}

func matches(b []byte, pattern string) bool {
	if len(b) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != b[i] {
			return false
		}
	}
	return true
}
