package sim

import (
	"fmt"
	"strings"
)

// Fault is one fault that can be planted in a generated world.
type Fault struct {
	Name  string
	Title string
	// plant changes the mesh and says what it was planted on; arg is the subject asked for, or
	// empty to let the seed choose.
	plant planter
}

// Faults lists what can be planted. The names are those of the troubleshooting catalogue where it
// has one.
func Faults() []Fault {
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

func (m *mesh) plant(wanted []string) ([]Planted, error) {
	var planted []Planted
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
		planted = append(planted, Planted{Fault: name, Subject: subject})
	}
	return planted, nil
}

func faultNamed(name string) (Fault, bool) {
	for _, f := range Faults() {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}
