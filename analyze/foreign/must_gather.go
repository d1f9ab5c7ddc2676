package foreign

import (
	"path"
	"regexp"
	"strings"

	"github.com/zbundle/zbundle/bundle/layout"
)

// mustGather is the layout of oc adm must-gather (openshift/oc
// pkg/cli/admin/inspect): a folder for each image, below it the cluster's own
// objects, and each namespace's with its pods' logs. It holds no config dumps.
type mustGather struct{}

// mustGatherFile is a file that only it has.
var mustGatherFile = regexp.MustCompile(`^([^/]+/){0,2}(namespaces/[^/]+/(core|pods|apps)/|cluster-scoped-resources/)`)

func (mustGather) tool() string { return "oc adm must-gather" }

// below takes off the folders of the gathering and of the image.
func below(p string) []string {
	parts := strings.Split(p, "/")
	for n := range min(3, len(parts)) {
		if parts[n] == "namespaces" || parts[n] == "cluster-scoped-resources" {
			return parts[n:]
		}
	}
	return nil
}

func (mustGather) objects(p string) ([]string, bool) {
	parts := below(p)
	if len(parts) == 0 || !strings.HasSuffix(p, ".yaml") {
		return nil, false
	}
	return nil, true
}

func (mustGather) place(p string, pods podIndex) (to string, log bool) {
	// namespaces/NS/pods/POD/CONTAINER/CONTAINER/logs/current.log
	parts := below(p)
	if len(parts) != 8 || parts[0] != "namespaces" || parts[2] != "pods" || parts[6] != "logs" {
		return "", false
	}
	of := pods.of(parts[1], parts[3])
	if dirOf(of) == "" || of.container != parts[4] {
		return "", false
	}
	switch parts[7] {
	case "current.log":
		return path.Join(dirOf(of), layout.Log), false
	case "previous.log":
		return path.Join(dirOf(of), layout.PreviousLog), false
	}
	return "", false
}

// lacks: it takes logs alone.
func (mustGather) lacks(a layout.Artifact) bool { return a.File != layout.Log }
