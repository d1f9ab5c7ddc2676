package replay

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/zbundle/zbundle/internal/sim/world"
)

func (r *recording) serviceObjects(pods []world.PodModel) []world.Stored {
	var out []world.Stored
	for _, recorded := range r.Services {
		s := world.ServiceModel{
			Namespace: recorded.Namespace, Name: recorded.Name, IPs: r.serviceIPs(recorded),
			Ports: recorded.servicePorts(), Selector: map[string]string{"app": recorded.App},
			Waypoint: recorded.waypointName(), Created: r.settled(),
		}
		out = append(out, world.Stored{Resource: "services", Object: s.Object()})
		out = append(out, s.Slices(pods)...)
	}
	return out
}

func (s recordedService) servicePorts() []corev1.ServicePort {
	var ports []corev1.ServicePort
	for text, target := range s.Ports {
		number, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		ports = append(ports, corev1.ServicePort{
			Name: "tcp-" + text, Port: int32(number), TargetPort: intstr.FromInt32(target), Protocol: corev1.ProtocolTCP,
		})
	}
	slices.SortFunc(ports, func(a, b corev1.ServicePort) int { return int(a.Port - b.Port) })
	return ports
}

// waypointName is the name that the service's label would give; a world names a waypoint by its
// address, which no label can hold.
func (s recordedService) waypointName() string {
	if len(s.Waypoint) == 0 || string(s.Waypoint) == "null" {
		return ""
	}
	var name string
	if json.Unmarshal(s.Waypoint, &name) == nil && len(validation.IsDNS1123Label(name)) == 0 {
		return name
	}
	return "waypoint"
}

// serviceIPs are the recorded address and the one of the other family, if the control plane knew one.
func (r *recording) serviceIPs(recorded recordedService) []string {
	ips := []string{recorded.VIP}
	for _, n := range r.Nodes {
		for _, s := range r.nodes[n.Name].state.Services {
			if s.Namespace != recorded.Namespace || s.Name != recorded.Name {
				continue
			}
			var vips []string
			for _, vip := range s.VIPs {
				vips = append(vips, vip[strings.IndexByte(vip, '/')+1:])
			}
			if slices.Contains(vips, recorded.VIP) {
				ips = appendOtherFamily(ips, vips)
			}
		}
	}
	return ips
}
