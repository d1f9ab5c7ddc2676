package layout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsBuiltIsParsed(t *testing.T) {
	ztunnel := Pod{Kind: Ztunnel, Node: "worker-1", Name: "ztunnel-x7k2p"}
	istiod := Pod{Kind: Istiod, Name: "istiod-1"}
	gateway := Pod{Kind: Waypoint, Namespace: "shop", Name: "waypoint-1"}
	for path, want := range map[string]Path{
		Header:                        {Kind: HeaderFile},
		Manifest:                      {Kind: ManifestFile},
		PodChanges:                    {Kind: PodChangesFile},
		Objects("", "pods"):           {Kind: ObjectsFile, Group: "core", Resource: "pods"},
		ObjectsPart("apps", "d", 3):   {Kind: ObjectsFile, Group: "apps", Resource: "d"},
		View("services", sum):         {Kind: ViewFile, View: "services"},
		ztunnel.Dir() + "/" + Log:     {Kind: PodFile, Pod: ztunnel, File: Log},
		ConfigDump(ztunnel.Dir()):     {Kind: PodFile, Pod: ztunnel, File: "config_dump.json"},
		istiod.Dir() + "/after/a.txt": {Kind: PodFile, Pod: istiod, File: "after/a.txt"},
		gateway.Dir() + "/" + Metrics: {Kind: PodFile, Pod: gateway, File: Metrics},
		ClusterDir("east") + "/" + Objects("", "nodes"): {Cluster: "clusters/east", Kind: ObjectsFile, Group: "core", Resource: "nodes"},
		ClusterDir("east") + "/" + PodChanges:           {Cluster: "clusters/east", Kind: PodChangesFile},
		"nodes/worker-1/other/x/log.txt":                {},
		"README":                                        {},
	} {
		if diff := cmp.Diff(want, Parse(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestEachFileNamesItsTask(t *testing.T) {
	dirs := map[string]string{
		Ztunnel: "nodes/n/ztunnel/z/", CNI: "nodes/n/cni/c/", Istiod: "istiod/i/", Waypoint: "waypoints/ns/w/",
	}
	for _, a := range artifacts {
		if a.Kind == Gateway {
			continue // its folder is a waypoint's
		}
		for _, a := range []Artifact{a, a.After()} {
			path := dirs[a.Kind] + FileFor(a.File, "ztunnel-1")
			if id, ok := Parse(path).Task(); !ok || id != a.Task() {
				t.Errorf("%s: task %q, want %q", path, id, a.Task())
			}
		}
	}
	for path, want := range map[string]string{
		"cluster/core/pods.json":                            PodsTask,
		"cluster/apps/daemonsets.json":                      "cluster/apps/daemonsets",
		"nodes/n/ztunnel/z/config_dump/services.delta.json": "ztunnel/config_dump",
		"istiod/i/xds/z.wads.delta.json":                    "istiod/config_dump-wads",
		"istiod/i/xds/z.delta.json":                         "istiod/config_dump",
		"istiod/i/nothing.json":                             "",
		Header:                                              "",
	} {
		if got, _ := Parse(path).Task(); got != want {
			t.Errorf("%s: task %q, want %q", path, got, want)
		}
	}
}

func TestASecondTaskNamesTheFirst(t *testing.T) {
	for _, id := range []string{PodsTask, IstiodSyncz.Task()} {
		if got := FirstTask(AfterTask(id)); got != id {
			t.Errorf("%s after %s", got, AfterTask(id))
		}
		if got := FirstTask(id); got != id {
			t.Errorf("%s is a first task, and not after %s", id, got)
		}
	}
}

func TestSectionsViewsAndDeltas(t *testing.T) {
	dir := Pod{Kind: Ztunnel, Node: "n", Name: "z"}.Dir()
	section := Section(SectionsDir(dir), "services")
	type parsed struct {
		Name      string
		Delta, OK bool
	}
	for path, want := range map[string]parsed{
		section:             {"services", false, true},
		Delta(section):      {"services", true, true},
		dir + "/" + Log:     {},
		ConfigDump(dir):     {},
		"cluster/core/x.js": {},
	} {
		var got parsed
		got.Name, got.Delta, got.OK = Parse(path).Section()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if whole, ok := Whole(Delta(section)); !ok || whole != section {
		t.Errorf("the delta of %s is one of %s", section, whole)
	}
	if got, ok := DumpDir(ConfigDump(dir)); !ok || got != dir {
		t.Errorf("folder %q, want %q", got, dir)
	}
	for path, want := range map[string]bool{section: true, IstiodAmbientz.File: true, "istiod/i/xds/z.json": true, "istiod/i/mesh.json": false} {
		if MayShare(path) != want {
			t.Errorf("%s may share: %v", path, !want)
		}
	}
}

func TestNoNameLeavesItsFolder(t *testing.T) {
	for name, want := range map[string]string{
		"..": "istiod/_", "a/b": "istiod/a_b", "": "istiod/_", `a\b`: "istiod/a_b", "a.b": "istiod/a.b", "ä": "istiod/_",
	} {
		if got := (Pod{Kind: Istiod, Name: name}).Dir(); got != want {
			t.Errorf("%q stands at %q, want %q", name, got, want)
		}
	}
}

func TestNamesInPathsAreReplaced(t *testing.T) {
	upper := func(name string) string { return "<" + name + ">" }
	for path, want := range map[string]string{
		Header:                                 "zbundle.json",
		"nodes/n/ztunnel/z/log.txt":            "nodes/<n>/ztunnel/<z>/(log).txt",
		"nodes/ztunnel/cni/cni/metrics.txt":    "nodes/<ztunnel>/cni/<cni>/(metrics).txt",
		"istiod/i/xds/z.wads.delta.json":       "istiod/<i>/xds/<z>.wads.delta.json",
		"istiod/i/after/syncz.json":            "istiod/<i>/after/(syncz).json",
		"waypoints/shop/w/log.previous.txt":    "waypoints/<shop>/<w>/(log.previous).txt",
		"cluster/core/pods.json":               "cluster/(core)/(pods).json",
		"views/services-0123456789abcdef.json": "views/(services-0123456789abcdef).json",
		"elsewhere/a.json":                     "",
		"nodes/n/core":                         "",
	} {
		got, ok := Rename(path, upper, func(word string) string { return "(" + word + ")" })
		if got != want || ok != (want != "") {
			t.Errorf("%s becomes %q, %v; want %q", path, got, ok, want)
		}
	}
}
