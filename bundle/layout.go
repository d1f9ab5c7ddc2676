package bundle

import (
	"path"
	"strings"
)

// The layout's paths. Names come from a cluster, so that none of them may
// hold what would leave its folder.

// viewsDir is the folder of what several ztunnels share.
const viewsDir = "views"

// ResourcePath is where a resource's objects stand; the core group is "" or "core".
func ResourcePath(group, resource string) string {
	if group == "" {
		group = "core"
	}
	return path.Join("cluster", safe(group), safe(resource)+".json")
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
