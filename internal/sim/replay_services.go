package sim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/zbundle/zbundle/internal/istio"
)

// serviceModel is a service as Kubernetes knows it.
type serviceModel struct {
	namespace, name string
	ips             []string
	ports           []corev1.ServicePort
	selector        map[string]string
	waypoint        string
	created         time.Time
}

func (s serviceModel) object() *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: s.name, CreationTimestamp: metav1.NewTime(s.created),
			UID: stableUID("services", s.namespace, s.name), Labels: map[string]string{},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Ports: s.ports, Selector: s.selector,
			ClusterIP: s.ips[0], ClusterIPs: s.ips, SessionAffinity: corev1.ServiceAffinityNone,
		},
	}
	if app := s.selector["app"]; app != "" {
		svc.Labels["app"] = app
	}
	if s.waypoint != "" {
		svc.Labels[istio.UseWaypointLabel] = s.waypoint
	}
	policy := corev1.IPFamilyPolicySingleStack
	if len(s.ips) > 1 {
		policy = corev1.IPFamilyPolicyPreferDualStack
	}
	svc.Spec.IPFamilyPolicy = &policy
	for _, ip := range s.ips {
		svc.Spec.IPFamilies = append(svc.Spec.IPFamilies, ipFamily(ip))
	}
	return svc
}

func ipFamily(ip string) corev1.IPFamily {
	if strings.Contains(ip, ":") {
		return corev1.IPv6Protocol
	}
	return corev1.IPv4Protocol
}

// slices gives one EndpointSlice for each of the service's address families.
func (s serviceModel) slices(pods []podModel) []stored {
	var out []stored
	for i, ip := range s.ips {
		family := ipFamily(ip)
		out = append(out, stored{"endpointslices", s.slice(family, i, pods)})
	}
	return out
}

func (s serviceModel) slice(family corev1.IPFamily, i int, pods []podModel) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: s.name + "-" + nameSuffix(s.namespace+s.name, i),
			CreationTimestamp: metav1.NewTime(s.created),
			Labels: map[string]string{
				discoveryv1.LabelServiceName: s.name,
				discoveryv1.LabelManagedBy:   "endpointslice-controller.k8s.io",
			},
			OwnerReferences: []metav1.OwnerReference{ownerReference("v1", "Service", "services", s.namespace, s.name)},
		},
		AddressType: discoveryv1.AddressType(family),
		Endpoints:   []discoveryv1.Endpoint{},
	}
	for _, p := range s.ports {
		number := p.TargetPort.IntVal
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &number, Protocol: &p.Protocol})
	}
	for _, p := range pods {
		at := slices.IndexFunc(p.ips, func(ip string) bool { return ipFamily(ip) == family })
		if at < 0 || !s.selects(p) {
			continue
		}
		slice.Endpoints = append(slice.Endpoints, p.endpoint(p.ips[at]))
	}
	return slice
}

func (s serviceModel) selects(p podModel) bool {
	if p.namespace != s.namespace || len(s.selector) == 0 {
		return false
	}
	for key, value := range s.selector {
		if p.labels[key] != value {
			return false
		}
	}
	return true
}

func (p podModel) endpoint(ip string) discoveryv1.Endpoint {
	terminating := p.deleted != nil
	ready := p.ready && !terminating
	return discoveryv1.Endpoint{
		Addresses:  []string{ip},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &p.ready, Terminating: &terminating},
		NodeName:   &p.node,
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: p.namespace, Name: p.name, UID: p.object().UID},
	}
}

func (r *recording) serviceObjects(pods []podModel) []stored {
	var out []stored
	for _, recorded := range r.Services {
		s := serviceModel{
			namespace: recorded.Namespace, name: recorded.Name, ips: r.serviceIPs(recorded),
			ports: recorded.servicePorts(), selector: map[string]string{"app": recorded.App},
			waypoint: recorded.waypointName(), created: r.settled(),
		}
		out = append(out, stored{"services", s.object()})
		out = append(out, s.slices(pods)...)
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
