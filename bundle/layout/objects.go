package layout

import (
	"fmt"
	"path"
	"strings"
)

// coreGroup stands for the API group that has no name.
const coreGroup = "core"

// PodChanges is where the pods stand that were created or deleted while the
// collection ran.
const PodChanges = objectsDir + "/" + coreGroup + "/pods" + afterEnd + jsonEnd

// Tasks that list what the mesh is found by.
const (
	PodsTask  = objectsDir + "/" + coreGroup + "/pods"
	NodesTask = objectsDir + "/" + coreGroup + "/nodes"
)

// GroupResource names a resource as paths do: "core/pods", "apps/daemonsets".
func GroupResource(group, resource string) string { return groupName(group) + "/" + resource }

// Objects is where a resource's objects stand; the core group is "" or "core".
func Objects(group, resource string) string {
	return path.Join(objectsDir, safe(groupName(group)), safe(resource)+jsonEnd)
}

// ObjectsPart is where the nth file of a resource's objects stands, in an
// archive that has them in several.
func ObjectsPart(group, resource string, n int) string {
	return fmt.Sprintf("%s%s%d%s", strings.TrimSuffix(Objects(group, resource), jsonEnd), partMark, n, jsonEnd)
}

const partMark = "@"

// ObjectsTask is the task that lists a resource's objects.
func ObjectsTask(group, resource string) string {
	return objectsDir + "/" + GroupResource(group, resource)
}

func groupName(group string) string {
	if group == "" {
		return coreGroup
	}
	return group
}
