package fault

import (
	"fmt"
	"strings"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// Fault is one fault that can be planted in a generated world.
type Fault struct {
	Name  string
	Title string
	// plant changes the mesh and says what it was planted on; arg is the subject asked for, or
	// empty to let the seed choose.
	plant planter
}

// All lists what can be planted. The names are those of the troubleshooting catalogue where it
// has one.
func All() []Fault {
	var all []Fault
	for _, group := range [][]Fault{
		workloadFaults(), enrolmentFaults(), certificateFaults(), trafficFaults(), controlFaults(), agentFaults(), accessFaults(),
		syncFaults(), healthFaults(), cniFaults(), captureFaults(), authorityFaults(), resourceFaults(),
		networkFaults(), versionFaults(), platformFaults(), admissionFaults(),
		hboneFaults(), waypointFaults(), policyFaults(), balanceFaults(), configurationFaults(), gatewayFaults(),
	} {
		all = append(all, group...)
	}
	return all
}

// Plant plants the wanted faults in m, each as NAME or NAME=SUBJECT.
func Plant(m *world.Mesh, wanted []string) ([]world.Planted, error) {
	var planted []world.Planted
	for _, text := range wanted {
		name, arg, _ := strings.Cut(text, "=")
		f, ok := faultNamed(name)
		if !ok {
			return nil, fmt.Errorf("there is no fault %q; --list-faults names them all", name)
		}
		subject, err := f.plant(m, arg)
		if err != nil {
			return nil, fmt.Errorf("planting %s: %w", text, err)
		}
		planted = append(planted, world.Planted{Fault: name, Subject: subject})
	}
	return planted, nil
}

func faultNamed(name string) (Fault, bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}
