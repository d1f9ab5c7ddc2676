package layout

import (
	"path"
	"strings"
)

const configDump = "config_dump"

// Kinds of views besides the sections of config dumps that ztunnels share.
const (
	KindXDS      = "xds"      // istiod's answers for single ztunnels
	KindAmbientz = "ambientz" // its answers for all
)

// ConfigDump is the path of the whole config dump of the ztunnel of that
// folder. No entry stands there: its sections do, and make it up.
func ConfigDump(dir string) string { return path.Join(dir, ZtunnelConfigDump.File) }

// DumpDir is the folder of the ztunnel whose whole config dump has that path.
func DumpDir(dump string) (dir string, ok bool) {
	return strings.CutSuffix(dump, "/"+ZtunnelConfigDump.File)
}

// SectionsDir is the folder of the sections of a ztunnel's config dump.
func SectionsDir(dir string) string { return path.Join(dir, configDump) }

// Section is where a section of a config dump stands in the folder of sections.
func Section(sections, name string) string { return path.Join(sections, SectionFile(name)) }

// SectionFile is the name of a section's file.
func SectionFile(name string) string { return safe(name) + jsonEnd }

// SplitSection parts the path of a section, or of its delta, into the folder
// of sections and the name of the section's file.
func SplitSection(name string) (sections, file string) {
	if whole, ok := Whole(name); ok {
		name = whole
	}
	return path.Dir(name), path.Base(name)
}

// Delta is where a section, or another shared answer, stands as a delta.
func Delta(name string) string { return strings.TrimSuffix(name, jsonEnd) + deltaEnd }

// Whole is the path of what is stored as the delta of that path; ok is false
// for a path that is no delta's.
func Whole(delta string) (name string, ok bool) {
	name, ok = strings.CutSuffix(delta, deltaEnd)
	if !ok {
		return delta, false
	}
	return name + jsonEnd, true
}

// IsDelta is true of the path of a delta.
func IsDelta(name string) bool { return strings.HasSuffix(name, deltaEnd) }

// View is where the view of a kind stands whose content has that SHA-256, in hex.
func View(kind, sum string) string { return path.Join(Views, kind+"-"+sum[:16]+jsonEnd) }

// ViewKind is the kind of the view at a path; ok is false where no view stands.
func ViewKind(name string) (kind string, ok bool) {
	file, ok := strings.CutPrefix(name, Views+"/")
	if !ok || strings.Contains(file, "/") {
		return "", false
	}
	kind, _, _ = strings.Cut(file, "-")
	return kind, true
}

// IsView is true of what stands in the folder of views.
func IsView(name string) bool { return strings.HasPrefix(name, Views+"/") }

// MayShare is true of the entries that may be links to a view.
func MayShare(name string) bool {
	return strings.Contains(name, "/"+configDump+"/") || strings.Contains(name, "/"+xdsDir+"/") || path.Base(name) == Ambientz
}
