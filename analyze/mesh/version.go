package mesh

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// Before tells whether a version of Istio lacks a fix, given as the first
// version of each minor that has it, and of all later minors. False where the
// version can't be told; an error where a fix is no version.
func Before(version string, fixes []string) (bool, error) {
	own, known := release(version)
	lacks := false
	for _, f := range fixes {
		fix, ok := release(f)
		switch {
		case !ok:
			return false, fmt.Errorf("%v is no version", f)
		case !known:
			continue
		case semver.MajorMinor(fix) == semver.MajorMinor(own):
			return semver.Compare(own, fix) < 0, nil
		case semver.Compare(fix, own) > 0:
			lacks = true
		}
	}
	// Of a minor between two that have the fix, only the later is known to.
	return lacks, nil
}

// release is "v1.28.9" of "1.28.9" and of a vendor's "1.28.9-distroless".
func release(version string) (release string, ok bool) {
	if end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		version = version[:end]
	}
	release = "v" + version
	return release, semver.IsValid(release) && strings.Count(version, ".") == 2
}
