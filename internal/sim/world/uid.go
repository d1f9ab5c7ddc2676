package world

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// StableUID gives the object that parts name a UID that is the same in every run.
func StableUID(parts ...string) types.UID {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// suffixLetters are those that the names of controlled pods end with, k8s.io/apimachinery
// pkg/util/rand.
const suffixLetters = "bcdfghjklmnpqrstvwxz2456789"

// NameSuffix is the random part that the name of a controlled pod ends with: another one for every
// i below 27^5.
func NameSuffix(owner string, i int) string {
	const all, step = 27 * 27 * 27 * 27 * 27, 7368787 // step shares no factor with all
	id := StableUID("suffix", owner)
	n := uint64(i)*step + uint64(id[0]) + uint64(id[1])<<8 + uint64(id[2])<<16
	n %= all
	var suffix [5]byte
	for j := range suffix {
		suffix[j] = suffixLetters[n%27]
		n /= 27
	}
	return string(suffix[:])
}
