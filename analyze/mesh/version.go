package mesh

import "fmt"

// Before tells whether a version of Istio lacks a fix, given as the first
// version of each minor that has it, and of all later minors. False where the
// version can't be told; an error where a fix is no version.
func Before(version string, fixes []string) (bool, error) {
	minor, patch, known := release(version)
	lacks := false
	for _, f := range fixes {
		m, p, ok := release(f)
		switch {
		case !ok:
			return false, fmt.Errorf("%v is no version", f)
		case !known:
			continue
		case m == minor:
			return patch < p, nil
		case m > minor:
			lacks = true
		}
	}
	// Of a minor between two that have the fix, only the later is known to.
	return lacks, nil
}

// release is the minor and the patch of "1.28.9"; a vendor's suffix is left out.
func release(version string) (minor, patch int, ok bool) {
	n, err := fmt.Sscanf(version, "1.%d.%d", &minor, &patch)
	return minor, patch, n == 2 && err == nil
}
