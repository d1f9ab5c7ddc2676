package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"time"
)

// The leak scan is the last thing that stands between a secret and the
// bundle: it runs over every byte that is written, once where every ztunnel
// serves the same (view.CleanItems), whatever was left out of the document before.
// A hit costs the value and leaves a marker.

// Bounds of the window that the scan sees, in bytes.
const (
	leakWindow = 128 << 10
	leakAhead  = 32 << 10 // a PEM key, of 16,384 bits at most, is decided within it
	leakBehind = 8 << 10  // how far before its anchor a value may begin
)

// LeakFilter passes on what it is given without the secrets in it. It holds
// one window, however long a line is. Close passes on the rest.
type LeakFilter struct {
	w       io.Writer
	buf     []byte
	scanned int            // buf up to here was looked at
	found   map[string]int // by kind of secret
	running bool           // a value that was cut out reaches past the window
}

// NewLeakFilter passes on to w.
func NewLeakFilter(w io.Writer) *LeakFilter { return &LeakFilter{w: w} }

func (f *LeakFilter) Write(p []byte) (int, error) {
	n := len(p)
	if f.buf == nil {
		f.buf = make([]byte, 0, min(leakWindow, max(len(p), 4<<10)))
	}
	for len(p) > 0 {
		take := min(len(p), leakWindow-len(f.buf))
		f.buf = append(f.buf, p[:take]...)
		p = p[take:]
		if len(f.buf) == leakWindow {
			if err := f.pass(len(f.buf)-leakAhead, false); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// Close scans and passes on what is left. It does not close the writer below.
func (f *LeakFilter) Close() error { return f.pass(len(f.buf), true) }

// pass looks at anchors before limit, and passes on what can't be a part of a
// value any more.
func (f *LeakFilter) pass(limit int, final bool) error {
	emitted := 0
	if f.running {
		emitted = run(f.buf, f.scanned, isTokenByte)
		f.scanned, f.running = emitted, emitted == len(f.buf) && !final
	}
	var failed error
	write := func(b []byte) {
		if failed == nil {
			_, failed = f.w.Write(b)
		}
	}
	i := f.scanned
	for {
		if i = nextAnchor(f.buf, i, limit); i < 0 {
			break
		}
		hit, ok := findLeak(f.buf, i)
		if !ok || hit.from < emitted {
			i++
			continue
		}
		if f.found == nil {
			f.found = map[string]int{}
		}
		f.found[hit.kind]++
		write(f.buf[emitted:hit.from])
		write([]byte(hit.quote + "[redacted " + hit.kind + "]" + hit.quote))
		emitted, i = hit.to, hit.to
		f.running = hit.to == len(f.buf) && !final
	}
	f.scanned = max(limit, emitted)
	keep := max(emitted, f.scanned-leakBehind)
	if final {
		keep = len(f.buf)
	}
	write(f.buf[emitted:keep])
	f.buf = f.buf[:copy(f.buf, f.buf[keep:])]
	f.scanned -= keep
	return failed
}

// Found counts what was cut out so far, by kind of secret; nil for nothing.
func (f *LeakFilter) Found() map[string]int { return f.found }

// TakeFound is Found, and begins to count anew.
func (f *LeakFilter) TakeFound() map[string]int {
	found := f.found
	f.found = nil
	return found
}

// IsClean is true of an item that holds no secret.
func IsClean(item []byte) bool {
	f := NewLeakFilter(io.Discard)
	if _, err := f.Write(item); err != nil {
		return false
	}
	return f.Close() == nil && f.found == nil
}

// Text scans a text that is held whole: what was cut out of it is counted in found.
func Text(text string, found map[string]int) string {
	if nextAnchor([]byte(text), 0, len(text)) < 0 {
		return text
	}
	var out bytes.Buffer
	f := NewLeakFilter(&out)
	// A buffer takes everything.
	_, _ = f.Write([]byte(text))
	_ = f.Close()
	for kind, n := range f.found {
		found[LeakCount(kind)] += n
	}
	return out.String()
}

// LeakCount is the name under which the manifest counts leaks of a kind.
func LeakCount(kind string) string { return "leaked " + kind }

// leak is a value to be cut out.
type leak struct {
	kind     string
	from, to int
	quote    string // around the marker, where JSON needs it to be a string
}

// finder decides whether a secret stands where its anchor does.
type finder func(b []byte, at int) (leak, bool)

// anchors are four characters, case aside, that each kind of secret has in
// it; what stands around them decides. "?" is any letter or digit.
var anchors = []struct {
	text string
	find finder
}{
	{"--be", pemKey},
	{"ls0t", encodedPEM},
	{"ibad", derKey}, {"ibaa", derKey}, {"migh", derKey}, {"mhcc", derKey}, {"mc4c", derKey},
	{".eyj", jwt}, {"eyjh", jwe}, {"eyjl", jwe},
	{"bear", authScheme("bearer")}, {"basi", authScheme("basic")},
	{"?://", urlPassword},
	{"auth", dockerAuth},
	{"akia", cloudKey("AKIA", 16)}, {"asia", cloudKey("ASIA", 16)}, {"aiza", cloudKey("AIza", 35)}, {"ya29", cloudKey("ya29.", 20)},
	{"ghp_", cloudKey("ghp_", 36)}, {"gho_", cloudKey("gho_", 36)}, {"ghs_", cloudKey("ghs_", 36)}, {"ghu_", cloudKey("ghu_", 36)}, {"ghr_", cloudKey("ghr_", 36)},
	{"gith", cloudKey("github_pat_", 40)}, {"glpa", cloudKey("glpat-", 20)}, {"xoxb", cloudKey("xoxb-", 20)}, {"xoxp", cloudKey("xoxp-", 20)},
	{"word", assignment("password", 1)}, {"sswd", assignment("passwd", 1)},
	{"cret", assignment("secret", 6)}, {"ikey", assignment("apikey", 8)}, {"_key", assignment("_key", 8)}, {"-key", assignment("-key", 8)},
	{"tkey", assignment("accountkey", 20)}, {"oken", assignment("token", 8)}, {"ture", assignment("x-amz-signature", 16)},
	{"sig=", assignment("sig", 20)},
}

const fold = 0x20202020

// anchorTable tells most places that hold no anchor by one look: a bit for
// each hash of four characters.
type anchorTable struct {
	bits    [1 << 16 / 64]uint64
	finders map[uint32][]finder
}

var leakAnchors = buildAnchors()

func buildAnchors() *anchorTable {
	t := &anchorTable{finders: map[uint32][]finder{}}
	add := func(text string, find finder) {
		key := fourBytes([]byte(text), 0)
		h := hashFour(key)
		t.bits[h>>6] |= 1 << (h & 63)
		t.finders[key] = append(t.finders[key], find)
	}
	for _, a := range anchors {
		if a.text[0] != '?' {
			add(a.text, a.find)
			continue
		}
		for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789" {
			add(string(c)+a.text[1:], a.find)
		}
	}
	return t
}

func fourBytes(b []byte, at int) uint32 {
	return binary.LittleEndian.Uint32(b[at:]) | fold
}

func hashFour(v uint32) uint32 { return (v * 0x9E3779B1) >> 16 }

// has is true of four bytes that may be an anchor.
func (t *anchorTable) has(v uint32) bool {
	h := hashFour(v)
	return t.bits[h>>6]&(1<<(h&63)) != 0
}

// nextAnchor is where the next anchor begins in b[from:limit], or -1. Every
// byte that is written passes here: eight bytes are loaded at once, in which
// five anchors may begin.
func nextAnchor(b []byte, from, limit int) int {
	limit = min(limit, len(b)-3)
	t := leakAnchors
	i := from
	for ; i+5 <= limit && i+8 <= len(b); i += 5 {
		v := binary.LittleEndian.Uint64(b[i:]) | fold<<32 | fold
		if t.has(uint32(v)) || t.has(uint32(v>>8)) || t.has(uint32(v>>16)) || t.has(uint32(v>>24)) || t.has(uint32(v>>32)) {
			break
		}
	}
	for ; i < limit; i++ {
		if t.has(fourBytes(b, i)) {
			return i
		}
	}
	return -1
}

func findLeak(b []byte, at int) (leak, bool) {
	for _, find := range leakAnchors.finders[fourBytes(b, at)] {
		if l, ok := find(b, at); ok {
			return l, true
		}
	}
	return leak{}, false
}

// run is the end of the run of such bytes that begins at from.
func run(b []byte, from int, in func(byte) bool) int {
	for from < len(b) && in(b[from]) {
		from++
	}
	return from
}

// runBack is the beginning of the run of such bytes that ends before to.
func runBack(b []byte, to int, in func(byte) bool) int {
	for to > 0 && in(b[to-1]) {
		to--
	}
	return to
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
func isBase64(c byte) bool    { return isAlnum(c) || c == '+' || c == '/' || c == '=' }
func isBase64URL(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '=' }

// isTokenByte is true of what any kind of token is made of.
func isTokenByte(c byte) bool { return isBase64(c) || c == '-' || c == '_' || c == '.' || c == '~' }

// isValueByte is true of what a password may hold, up to what ends it in a
// log, in JSON and in a URL.
func isValueByte(c byte) bool {
	switch c {
	case '"', '\'', '\\', ',', ';', '&', '{', '}', '[', ']', '(', ')', '<', '>', '`':
		return false
	}
	return c > ' '
}

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

// jwt finds header.claims.signature (RFC 7519): both of the first two are JSON in base64url.
func jwt(b []byte, at int) (leak, bool) {
	from := runBack(b, at, isBase64URL)
	if !bytes.HasPrefix(b[from:], []byte("eyJ")) || string(b[at:at+4]) != ".eyJ" {
		return leak{}, false
	}
	claims := run(b, at+1, isBase64URL)
	if claims == len(b) || b[claims] != '.' {
		return leak{}, false
	}
	return leak{kind: "token", from: from, to: run(b, claims+1, isBase64URL)}, true
}

// jwe finds an encrypted token (RFC 7516): a header and four parts more.
func jwe(b []byte, at int) (leak, bool) {
	to, dots := at, 0
	for to < len(b) && (isBase64URL(b[to]) || b[to] == '.') {
		if b[to] == '.' {
			dots++
		}
		to++
	}
	return leak{kind: "token", from: at, to: to}, string(b[at:at+3]) == "eyJ" && dots == 4
}

// authScheme finds what stands in an Authorization header.
func authScheme(scheme string) finder {
	return func(b []byte, at int) (leak, bool) {
		if !foldsTo(b, at, scheme) {
			return leak{}, false
		}
		from := at + len(scheme)
		value := run(b, from, func(c byte) bool { return c == ' ' || c == '\t' })
		to := run(b, value, isTokenByte)
		header := bytes.Contains(bytes.ToLower(b[max(0, at-24):at]), []byte("authorization"))
		return leak{kind: "token", from: value, to: to}, value > from && (header && to > value || to-value >= 16)
	}
}

func foldsTo(b []byte, at int, lower string) bool {
	return at >= 0 && at+len(lower) <= len(b) && bytes.EqualFold(b[at:at+len(lower)], []byte(lower))
}

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

// cloudKey finds a provider's key by the letters it begins with.
func cloudKey(prefix string, length int) finder {
	return func(b []byte, at int) (leak, bool) {
		if !bytes.HasPrefix(b[at:], []byte(prefix)) || at > 0 && isAlnum(b[at-1]) {
			return leak{}, false
		}
		to := run(b, at+len(prefix), isBase64URL)
		return leak{kind: "cloud key", from: at, to: to}, to-at-len(prefix) >= length
	}
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
