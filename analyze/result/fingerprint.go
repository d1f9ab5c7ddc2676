package result

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

var (
	// Kubernetes makes suffixes without vowels, so that they are no words (apimachinery pkg/util/rand).
	replicaSetHash = regexp.MustCompile(`-[bcdfghjklmnpqrstvwxz2456789]{1,10}$`)
	podSuffix      = regexp.MustCompile(`(-[bcdfghjklmnpqrstvwxz2456789]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
)

// Fingerprint tells a finding from others over time: it survives renamed pods. owners names, by
// the keys of pods' subjects, what outlives them.
func Fingerprint(id, group string, subjects []Subject, owners map[string]string) string {
	lines := make([]string, 0, len(subjects))
	for _, s := range subjects {
		name := s.Name
		if s.Kind == "pod" {
			owner, known := owners[s.Key()]
			if !known {
				owner = podSuffix.ReplaceAllString(name, "")
			}
			name = owner
		}
		line := s.Kind + "\t" + s.Namespace + "\t" + name
		if s.Cluster != "" {
			line += "\t" + s.Cluster
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(id + "\n" + group + "\n" + strings.Join(slices.Compact(lines), "\n")))
	return hex.EncodeToString(sum[:8])
}

// WithoutHash is the name of a ReplicaSet's owner.
func WithoutHash(replicaSet string) string { return replicaSetHash.ReplaceAllString(replicaSet, "") }
