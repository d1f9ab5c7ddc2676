package pseudonym

import (
	"io"
	"net/netip"
	"strings"
)

// place is what a text is, which decides what becomes of a word in it.
type place int

const (
	prose place = iota // names that are known, and words that are not, are replaced
	word               // one of a format's own: stays if it is known, even as a name
	name               // everything is replaced but what is kept even as a name
)

// replacer is what becomes of the parts of a text.
type replacer struct {
	// token writes what stands for a run of letters, digits, "-" and "_".
	token func(dst []byte, token string) []byte
	// network does for an address, which has its own length but where sized.
	network func(p netip.Prefix, sized bool) string
}

// replacer gives pseudonyms, as they are due in a place.
func (n *Names) replacer(at place) *replacer {
	return &replacer{
		token: func(dst []byte, token string) []byte { return n.token(dst, token, at) },
		network: func(p netip.Prefix, sized bool) string {
			if sized {
				return n.network(p).String()
			}
			return n.address(p.Addr()).String()
		},
	}
}

func (n *Names) token(dst []byte, token string, at place) []byte {
	v := n.vocabulary
	switch {
	case at == name:
		return n.name(dst, token)
	case v.keeps(token):
		return append(dst, token...)
	case at == prose && n.learnt[token]:
		return n.name(dst, token)
	case v.isProse(token):
		return append(dst, token...)
	}
	return n.name(dst, token)
}

// text is a text with its names replaced.
func (n *Names) text(text string, at place) string { return n.replacer(at).text(text) }

func (r *replacer) text(text string) string { return string(r.append(nil, text)) }

// append writes what a text becomes. It is whole: no token goes on behind it.
func (r *replacer) append(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c == '\\' {
			end := min(i+escape(text[i:]), len(text))
			dst, i = append(dst, text[i:end]...), end
			continue
		}
		if isHex(text[i:i+1]) || c == ':' && i+1 < len(text) && text[i+1] == ':' && (i == 0 || !isToken(text[i-1])) {
			if p, sized, length := readAddress(text[i:]); length > 0 {
				other := r.network(p, sized)
				if other == p.String() || !sized && other == p.Addr().String() {
					other = text[i : i+length] // as it was written
				}
				dst, i = append(dst, other...), i+length
				continue
			}
		}
		if !isToken(c) {
			dst, i = append(dst, c), i+1
			continue
		}
		end := tokenEnd(text, i)
		token := strings.TrimRight(text[i:end], "-_")
		lead := len(token) - len(strings.TrimLeft(token, "-_"))
		dst = append(dst, token[:lead]...)
		if token = token[lead:]; token != "" {
			dst = r.token(dst, token)
		}
		dst, i = append(dst, text[i+lead+len(token):end]...), end
	}
	return dst
}

// tokenEnd is where the token that begins at from ends: before an address, too.
func tokenEnd(text string, from int) int {
	i := from
	for i < len(text) && isToken(text[i]) {
		if i > from && text[i-1] == '-' && isDigit(text[i]) && quad(text[i:]) > 0 {
			break
		}
		i++
	}
	return i
}

// escape is the length of an escape in a quoted string: \n, \", é.
func escape(text string) int {
	if len(text) > 1 && text[1] == 'u' {
		return 6
	}
	return 2
}

// isToken is true of what words are made of; those of other scripts are words too.
func isToken(c byte) bool {
	return isLower(c) || isDigit(c) || isUpper(c) || c == '-' || c == '_' || c >= 0x80
}

// Bounds of the window in which a stream is rewritten, in bytes.
const (
	window  = 64 << 10
	longest = 2 << 10 // of what has no space or quote in it: it is not cut
)

// stream rewrites what is written to it, however long a line is. Close passes on the rest.
type stream struct {
	w       io.Writer
	r       *replacer
	buf     []byte
	out     []byte
	running bool // inside of what was withheld for its length
}

func (s *stream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		take := min(len(rest), window-len(s.buf))
		s.buf, rest = append(s.buf, rest[:take]...), rest[take:]
		if len(s.buf) == window {
			if err := s.pass(s.settled()); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// Close rewrites and passes on what is left. It does not close the writer below.
func (s *stream) Close() error { return s.pass(len(s.buf)) }

// settled is how much of the window ends with no token or address under way.
func (s *stream) settled() int {
	end := len(s.buf)
	for end > 0 && !isGap(s.buf[end-1]) {
		end--
	}
	if end == 0 || len(s.buf)-end > longest {
		return len(s.buf) // withheld, from the last gap on
	}
	return end
}

// isGap is true of what stands in no name, address or escape.
func isGap(c byte) bool {
	switch c {
	case '"', '\'', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '=', '|':
		return true
	}
	return c <= ' '
}

// pass rewrites the window up to end.
func (s *stream) pass(end int) error {
	s.out = s.out[:0]
	text := s.buf[:end]
	for len(text) > 0 {
		gap := 0
		for gap < len(text) && gap <= longest && !isGap(text[gap]) {
			gap++
		}
		switch {
		case s.running, gap > longest:
			if !s.running {
				s.out = append(s.out, withheld...)
			}
			for gap < len(text) && !isGap(text[gap]) {
				gap++
			}
			s.running = gap == len(text)
			text = text[gap:]
		default:
			for gap < len(text) && isGap(text[gap]) {
				gap++
			}
			s.out = s.r.append(s.out, string(text[:gap]))
			text = text[gap:]
		}
	}
	s.buf = s.buf[:copy(s.buf, s.buf[end:])]
	_, err := s.w.Write(s.out)
	return err
}
