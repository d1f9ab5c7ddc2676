package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"
)

// keptNetworks stay as they are, addresses and all: they are everyone's.
var keptNetworks = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/8", "fe80::/10", "fd16:9254:7127:1337::/64", "ff00::/8")

// knownNetworks stay networks, and their addresses stay in them: whether an
// address is private, or one that Istio allots, tells.
var knownNetworks = prefixes("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "240.240.0.0/16", "240.0.0.0/4", "fc00::/7", "2001:2::/48")

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// address gives an address another of its family. Two that share their first
// bits have pseudonyms that share as many, so that networks nest as they did.
func (n *Names) address(a netip.Addr) netip.Addr {
	if a.Is4In6() {
		return netip.AddrFrom16(n.address(a.Unmap()).As16())
	}
	if zone := a.Zone(); zone != "" {
		return n.address(a.WithZone("")).WithZone(string(n.name(nil, zone)))
	}
	if p, ok := n.addresses[a]; ok {
		return p
	}
	p := n.scramble(a)
	if p != a {
		n.addresses[a] = p
	}
	return p
}

func (n *Names) scramble(a netip.Addr) netip.Addr {
	for _, k := range keptNetworks {
		if k.Contains(a) {
			return a
		}
	}
	in := a.AsSlice()
	out := a.AsSlice()
	for bit := range len(in) * 8 {
		if fixed(a, bit) {
			continue
		}
		// Each bit is turned, or not, by the bits before it.
		before, _ := a.Prefix(bit)
		mac := hmac.New(sha256.New, n.key)
		text, _ := before.MarshalBinary()
		mac.Write(text)
		if mac.Sum(nil)[0]&1 == 1 {
			out[bit/8] ^= 1 << (7 - bit%8)
		}
	}
	p, _ := netip.AddrFromSlice(out)
	return p
}

// fixed is true of a bit that tells a known network from others.
func fixed(a netip.Addr, bit int) bool {
	for _, networks := range [][]netip.Prefix{keptNetworks, knownNetworks} {
		for _, k := range networks {
			if k.Addr().BitLen() == a.BitLen() && bit < k.Bits() && netip.PrefixFrom(k.Addr(), bit).Masked().Contains(a) {
				return true
			}
		}
	}
	return false
}

// network gives a network another of its size; an address with the size of its
// network keeps its own bits.
func (n *Names) network(p netip.Prefix) netip.Prefix {
	to := netip.PrefixFrom(n.address(p.Addr()), p.Bits())
	if p == p.Masked() && p.Bits() < p.Addr().BitLen() {
		to = to.Masked()
		if to != p {
			n.networks[p] = to
		}
	}
	return to
}

// readAddress takes an address, or a network, from the beginning of a text.
// length is 0 where there is none.
func readAddress(text string) (p netip.Prefix, sized bool, length int) {
	end, colons := 0, 0
	for end < len(text) && end < 45 {
		c := text[end]
		if c == ':' {
			colons++
		} else if c != '.' && !isHex(text[end:end+1]) {
			break
		}
		end++
	}
	if colons < 2 {
		if end = quad(text); end == 0 {
			return p, false, 0
		}
	}
	run := strings.TrimRight(text[:end], ".")
	if colons >= 2 && end < len(text) && (isToken(text[end]) || end == 45) {
		return p, false, 0
	}
	a, err := netip.ParseAddr(run)
	for err != nil && colons >= 2 && strings.HasSuffix(run, ":") { // the end of a clause
		run = run[:len(run)-1]
		a, err = netip.ParseAddr(run)
	}
	if err != nil {
		// <IPv4>:<port>, whose digits are hexadecimal ones too
		if end = quad(text); end == 0 {
			return p, false, 0
		}
		run = text[:end]
		if a, err = netip.ParseAddr(run); err != nil {
			return p, false, 0
		}
	}
	length = len(run)
	bits, size := size(text[length:])
	if p = netip.PrefixFrom(a, bits); size > 0 && p.IsValid() {
		return p, true, length + size
	}
	return netip.PrefixFrom(a, a.BitLen()), false, length
}

// size reads /<bits> behind a network's address.
func size(text string) (bits, length int) {
	if len(text) < 2 || text[0] != '/' || !isDigit(text[1]) {
		return 0, 0
	}
	end := 1
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	if end > 4 || end < len(text) && (isToken(text[end]) || text[end] == '/') {
		return 0, 0
	}
	bits, _ = strconv.Atoi(text[1:end])
	return bits, end
}

// quad is the length of four numbers with dots between them at the beginning of a text, 0 without.
func quad(text string) int {
	return four(text, '.')
}

// dashed takes an address from the beginning of a name, in which "-" stands
// for its dots, as in ip-10-0-0-1.
func dashed(name string) (netip.Addr, int) {
	length := four(name, '-')
	if length == 0 || length < len(name) && name[length] != '-' && name[length] != '_' {
		return netip.Addr{}, 0
	}
	a, err := netip.ParseAddr(strings.ReplaceAll(name[:length], "-", "."))
	if err != nil {
		return netip.Addr{}, 0
	}
	return a, length
}

func appendDashed(dst []byte, a netip.Addr) []byte {
	return append(dst, strings.ReplaceAll(a.String(), ".", "-")...)
}

func four(text string, parting byte) int {
	at := 0
	for part := range 4 {
		if part > 0 {
			if at >= len(text) || text[at] != parting {
				return 0
			}
			at++
		}
		from := at
		for at < len(text) && at-from < 4 && isDigit(text[at]) {
			at++
		}
		if v, err := strconv.Atoi(text[from:at]); err != nil || v > 255 || at-from > 3 {
			return 0
		}
	}
	if at < len(text) && isDigit(text[at]) {
		return 0
	}
	return at
}
