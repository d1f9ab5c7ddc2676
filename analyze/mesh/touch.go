package mesh

import "time"

// Touch is a change of an object, as its managedFields have it: the last one
// by each manager, with the fields that the manager owns since.
type Touch struct {
	Resource  string // in the plural: "services"
	Namespace string
	Name      string
	Manager   string // "kubectl-patch"
	Operation string // "Update" or "Apply"
	Time      time.Time
	Paths     []string // "spec.ports"
	Source    Evidence
}
