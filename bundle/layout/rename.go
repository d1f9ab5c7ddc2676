package layout

import "strings"

// words are the layout's own parts of paths.
var words = map[string]bool{
	nodesDir: true, Ztunnel: true, CNI: true, istiodDir: true, waypointsDir: true, configDump: true, xdsDir: true,
	afterDir: true, objectsDir: true, Views: true,
}

// Rename gives an entry another path: name makes another of each name of a
// node, namespace or pod in it, and word of what is neither such a name nor
// the layout's own. ok is false for what is no part of a bundle.
func Rename(entry string, name, word func(string) string) (other string, ok bool) {
	if entry == Header || entry == Manifest {
		return entry, true
	}
	ending := ""
	for _, e := range []string{wadsEnd + deltaEnd, deltaEnd, wadsEnd + jsonEnd, jsonEnd, textEnd} {
		if strings.HasSuffix(entry, e) {
			ending = e
			break
		}
	}
	parts := strings.Split(strings.TrimSuffix(entry, ending), "/")
	if ending == "" || len(parts) < 2 {
		return "", false
	}
	named := func(int) bool { return false }
	switch parts[0] {
	case objectsDir, Views:
	case nodesDir:
		named = func(i int) bool { return i == 1 || i == 3 }
	case istiodDir:
		named = func(i int) bool { return i == 1 || i > 1 && parts[i-1] == xdsDir }
	case waypointsDir:
		named = func(i int) bool { return i == 1 || i == 2 }
	default:
		return "", false
	}
	for i, part := range parts {
		switch {
		case named(i):
			parts[i] = name(part)
		case !words[part]:
			parts[i] = word(part)
		}
	}
	return strings.Join(parts, "/") + ending, true
}
