// Package layout says where everything stands in a bundle. Every path and
// every task id is built here, and parsed here, and nowhere else.
package layout

import (
	"path"
	"slices"
	"strings"
)

// Header is the first entry of a bundle, and Manifest the last.
const (
	Header   = "zbundle.json"
	Manifest = "manifest.json"
)

// Folders at the top of a bundle.
const (
	objectsDir   = "cluster"
	istiodDir    = "istiod"
	nodesDir     = "nodes"
	waypointsDir = "waypoints"
	clustersDir  = "clusters"

	// Views is the folder of what several ztunnels or istiods share.
	Views = "views"
)

// IsTop is true of the names at the top of a bundle.
func IsTop(name string) bool {
	return slices.Contains([]string{Header, Manifest, objectsDir, istiodDir, nodesDir, waypointsDir, clustersDir, Views}, name)
}

// ClusterDir is the folder of one cluster's entries in a bundle of several.
// Within it they stand as in a bundle of that cluster alone.
func ClusterDir(context string) string { return path.Join(clustersDir, safe(context)) }

// SplitCluster parts a path into its cluster's folder, "" outside of one, and
// the path in it.
func SplitCluster(name string) (dir, rest string) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 || parts[0] != clustersDir {
		return "", name
	}
	return parts[0] + "/" + parts[1], parts[2]
}

// ClusterName is the name of the cluster whose folder dir is, "" for that of a
// bundle of one.
func ClusterName(dir string) string { return strings.TrimPrefix(dir, clustersDir+"/") }

// safe keeps the characters of Kubernetes' names and makes all others "_":
// names come from a cluster, and none of them may leave its folder.
func safe(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '_'
	}, name)
	if strings.Trim(name, ".") == "" {
		return "_"
	}
	return name
}
