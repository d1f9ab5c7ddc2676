package world

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shapes are what real ztunnels of one minor version print that doesn't depend on the mesh:
// configuration, build, start-up log and the heads of the metric families.
//
//go:embed shapes
var shapes embed.FS

// family is what differs between ztunnel's minor versions.
type family struct {
	Minor  int
	folder string
}

// FamilyOf picks the recorded minor that version prints like.
func FamilyOf(version string) (family, error) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "1" {
		return family{}, fmt.Errorf("istio version %q: want 1.MINOR.PATCH", version)
	}
	number, _, _ := strings.Cut(parts[1], "-")
	minor, err := strconv.Atoi(number)
	switch {
	case err != nil || minor < 28:
		return family{}, fmt.Errorf("istio version %q: versions from 1.28 on can be invented; older ones replayed", version)
	case minor == 28:
		return family{minor, "1.28"}, nil
	case minor <= 30:
		return family{minor, "1.30"}, nil
	}
	return family{minor, "1.32"}, nil
}

func (f family) canonicalServices() bool { return f.Minor >= 29 }

func (f family) dryRunPolicies() bool { return f.Minor >= 29 }

func (f family) visibility() bool { return f.Minor >= 31 }

func (f family) accessClusters() bool { return f.Minor >= 31 }

func (f family) failedConnections() bool { return f.Minor >= 29 }

func (f family) outboundFlags() bool { return f.Minor >= 29 }

func (f family) emptyFamilies() bool { return f.Minor < 29 }

func (f family) read(name string) ([]byte, error) {
	return shapes.ReadFile("shapes/" + f.folder + "/" + name)
}

// build is the config and the version section of a dump, with the names of one ztunnel.
type build struct {
	Config  map[string]any `json:"config"`
	Version map[string]any `json:"version"`
}

func (f family) build(version, node, pod string) (build, error) {
	text, err := f.read("build.json")
	if err != nil {
		return build{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var b build
	if err := decoder.Decode(&b); err != nil {
		return build{}, fmt.Errorf("shapes of ztunnel %s: %w", f.folder, err)
	}
	b.Version["version"] = version
	b.Config["localNode"] = node
	if workload, ok := b.Config["ztunnelWorkload"].(map[string]any); ok {
		workload["name"] = pod
	}
	return b, nil
}

// recordedNames are the ztunnel and the node that the start-up logs were recorded on.
const (
	recordedPodName  = "ztunnel-7xk2p"
	recordedNodeName = "worker-1"
)

// startLines are the start-up log moved to another ztunnel and another moment.
func (f family) startLines(version, node, pod string, at time.Time) ([]LogLine, error) {
	text, err := f.read("start.log")
	if err != nil {
		return nil, err
	}
	renamed := strings.NewReplacer(recordedPodName, pod, recordedNodeName, node).Replace(string(text))
	var out []LogLine
	var first time.Time
	for line := range strings.Lines(renamed) {
		line = strings.TrimSuffix(line, "\n")
		stamp, rest, _ := strings.Cut(line, "\t")
		t, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			last := &out[len(out)-1]
			last.text += "\n" + line
			continue
		}
		if first.IsZero() {
			first = t
			rest = replaceVersion(rest, version)
		}
		out = append(out, LogLine{At: at.Add(t.Sub(first)), text: rest})
	}
	return out, nil
}

// replaceVersion puts version into the BuildInfo line.
func replaceVersion(line, version string) string {
	head, tail, found := strings.Cut(line, `Version:"`)
	if !found {
		return line
	}
	_, rest, _ := strings.Cut(tail, `"`)
	return head + `Version:"` + version + `"` + rest
}
