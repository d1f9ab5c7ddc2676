package redact

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

func isBase64(c byte) bool { return isAlnum(c) || c == '+' || c == '/' || c == '=' }

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
