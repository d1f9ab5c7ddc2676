package redact

import (
	"bytes"
)

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
