package bundle

import (
	"path"
	"strings"
)

// The layout's paths. Names come from a cluster, so that none of them may
// hold what would leave its folder.

// viewsDir is the folder of what several ztunnels or istiods share.
const viewsDir = "views"

// ResourcePath is where a resource's objects stand; the core group is "" or "core".
func ResourcePath(group, resource string) string {
	if group == "" {
		group = "core"
	}
	return path.Join("cluster", safe(group), safe(resource)+".json")
}

// clustersDir holds a folder for each cluster, in a bundle of several.
const clustersDir = "clusters"

// ClusterDir is the folder of one cluster's entries in a bundle of several.
// Within it they stand as in a bundle of that cluster alone.
func ClusterDir(context string) string { return path.Join(clustersDir, safe(context)) }

// InCluster parts a path into its cluster's folder, "" outside of one, and the path in it.
func InCluster(name string) (dir, rest string) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 || parts[0] != clustersDir {
		return "", name
	}
	return parts[0] + "/" + parts[1], parts[2]
}

// ZtunnelDir is the folder of one ztunnel pod.
func ZtunnelDir(node, pod string) string { return path.Join("nodes", safe(node), "ztunnel", safe(pod)) }

// CNIDir is the folder of one istio-cni pod.
func CNIDir(node, pod string) string { return path.Join("nodes", safe(node), "cni", safe(pod)) }

// IstiodDir is the folder of one istiod pod.
func IstiodDir(pod string) string { return path.Join("istiod", safe(pod)) }

// WaypointDir is the folder of one waypoint or gateway pod.
func WaypointDir(namespace, pod string) string {
	return path.Join("waypoints", safe(namespace), safe(pod))
}

// safe keeps the characters of Kubernetes' names and makes all others "_".
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
