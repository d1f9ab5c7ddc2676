// Package pseudonym gives the names and addresses in a bundle others, so that
// it can be handed to strangers. One name has one pseudonym wherever it
// occurs, names that begin alike have pseudonyms that do, and addresses keep
// their structure; the map stays with whoever made the bundle.
//
// It fails closed: what is neither known as harmless nor as a name is
// replaced like one, and what can't be read is withheld. docs/format.md tells
// what is kept.
package pseudonym

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
)

const (
	// maxOrdinal is how many digits a number in a name may have: replicas and nodes are numbered.
	maxOrdinal = 5
	// maxWords bounds the memory that one bundle's names take; past it, what is
	// no known name is withheld.
	maxWords = 1_000_000
	// maxName is the length of the longest name, in bytes: a host's.
	maxName = 253
)

// withheld stands where a text could not be given a pseudonym.
const withheld = "[withheld]"

// Names are the pseudonyms of one bundle.
type Names struct {
	key        []byte
	vocabulary *vocabulary
	learnt     map[string]bool   // names, and parts of names between dots
	words      map[string]string // pseudonyms by word
	taken      map[string]bool   // pseudonyms
	addresses  map[netip.Addr]netip.Addr
	networks   map[netip.Prefix]netip.Prefix
	withheld   int
}

// New begins with a random key, so that two bundles have no pseudonym in common.
func New() (*Names, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a key for the pseudonyms: %w", err)
	}
	return newNames(key, newVocabulary()), nil
}

func newNames(key []byte, v *vocabulary) *Names {
	return &Names{
		key: key, vocabulary: v, learnt: map[string]bool{}, words: map[string]string{}, taken: map[string]bool{},
		addresses: map[netip.Addr]netip.Addr{}, networks: map[netip.Prefix]netip.Prefix{},
	}
}

// learn takes a part of a name between dots.
func (n *Names) learn(part string) {
	if len(part) <= maxName && !isDigits(part) && !isHash(part) && !n.vocabulary.keeps(part) {
		n.learnt[strings.Clone(part)] = true
	}
}

// name writes the pseudonym of a name, or of a part of one between dots: word
// by word, so that a pod's begins as its owner's does.
func (n *Names) name(dst []byte, name string) []byte {
	if n.vocabulary.keeps(name) {
		return append(dst, name...)
	}
	if lead := n.vocabulary.leads(name); lead > 0 {
		dst, name = append(dst, name[:lead]...), name[lead:]
	}
	for len(name) > 0 {
		if name[0] == '-' || name[0] == '_' {
			dst, name = append(dst, name[0]), name[1:]
			continue
		}
		if a, length := dashed(name); length > 0 {
			dst, name = appendDashed(dst, n.address(a)), name[length:]
			continue
		}
		var word string
		if word, name = cutWord(name); isDigits(word) && len(word) <= maxOrdinal {
			dst = append(dst, word...)
		} else {
			dst = n.word(dst, word)
		}
	}
	return dst
}

// cutWord parts the first word of a name from its rest.
func cutWord(name string) (word, rest string) {
	if end := strings.IndexAny(name, "-_"); end >= 0 {
		return name[:end], name[end:]
	}
	return name, ""
}

// word writes the pseudonym of a word.
func (n *Names) word(dst []byte, word string) []byte {
	if p, ok := n.words[word]; ok {
		return append(dst, p...)
	}
	if len(n.words) >= maxWords || len(word) > maxName {
		n.withheld++
		return append(dst, withheld...)
	}
	word = strings.Clone(word)
	for attempt := 0; ; attempt++ {
		if p := n.invent(word, attempt); !n.taken[p] {
			n.words[word], n.taken[p] = p, true
			return append(dst, p...)
		}
	}
}

// suffixLetters are those that Kubernetes makes names' random suffixes of,
// without its digits (apimachinery pkg/util/rand).
const suffixLetters = "bcdfghjklmnpqrstvwxz"

// invent makes a word that is none of any language, and as long as it was
// where it is one of Kubernetes' random suffixes. Others have one of the
// vowels, which those have not.
func (n *Names) invent(word string, attempt int) string {
	mac := hmac.New(sha256.New, n.key)
	fmt.Fprintf(mac, "%d %s", attempt, word)
	sum := mac.Sum(nil)
	length := len(word)
	suffix := length >= 5 && length <= 10 && strings.Trim(word, suffixLetters+"2456789") == ""
	if !suffix {
		length = 7
	}
	var out bytes.Buffer
	for _, c := range sum[:length] {
		out.WriteByte(suffixLetters[int(c)%len(suffixLetters)])
	}
	p := out.Bytes()
	if !suffix {
		p[1] = "aeou"[int(sum[length])%4]
	}
	return string(p)
}

// Counts are what was replaced, by kind, for the manifest.
func (n *Names) Counts() map[string]int {
	out := map[string]int{"names": len(n.words), "addresses": len(n.addresses)}
	if n.withheld > 0 {
		out["withheld words"] = n.withheld
	}
	return out
}
