package redact

import (
	"encoding/binary"
)

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
