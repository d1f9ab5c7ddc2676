package world

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

// ServiceModel is a service as Kubernetes knows it.
type ServiceModel struct {
	Namespace, Name string
	IPs             []string
	Ports           []corev1.ServicePort
	Selector        map[string]string
	Waypoint        string
	Created         time.Time
}

// Object is the Service as Kubernetes serves it.
func (s ServiceModel) Object() *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: s.Name, CreationTimestamp: metav1.NewTime(s.Created),
			UID: StableUID("services", s.Namespace, s.Name), Labels: map[string]string{},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Ports: s.Ports, Selector: s.Selector,
			ClusterIP: s.IPs[0], ClusterIPs: s.IPs, SessionAffinity: corev1.ServiceAffinityNone,
		},
	}
	if app := s.Selector["app"]; app != "" {
		svc.Labels["app"] = app
	}
	if s.Waypoint != "" {
		svc.Labels[istio.UseWaypointLabel] = s.Waypoint
	}
	policy := corev1.IPFamilyPolicySingleStack
	if len(s.IPs) > 1 {
		policy = corev1.IPFamilyPolicyPreferDualStack
	}
	svc.Spec.IPFamilyPolicy = &policy
	for _, ip := range s.IPs {
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

// Slices gives one EndpointSlice for each of the service's address families.
func (s ServiceModel) Slices(pods []PodModel) []Stored {
	var out []Stored
	for i, ip := range s.IPs {
		family := ipFamily(ip)
		out = append(out, Stored{"endpointslices", s.slice(family, i, pods)})
	}
	return out
}

func (s ServiceModel) slice(family corev1.IPFamily, i int, pods []PodModel) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: s.Name + "-" + NameSuffix(s.Namespace+s.Name, i),
			CreationTimestamp: metav1.NewTime(s.Created),
			Labels: map[string]string{
				discoveryv1.LabelServiceName: s.Name,
				discoveryv1.LabelManagedBy:   "endpointslice-controller.k8s.io",
			},
			OwnerReferences: []metav1.OwnerReference{OwnerReference("v1", "Service", "services", s.Namespace, s.Name)},
		},
		AddressType: discoveryv1.AddressType(family),
		Endpoints:   []discoveryv1.Endpoint{},
	}
	for _, p := range s.Ports {
		number := p.TargetPort.IntVal
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &number, Protocol: &p.Protocol})
	}
	for _, p := range pods {
		at := slices.IndexFunc(p.IPs, func(ip string) bool { return ipFamily(ip) == family })
		if at < 0 || !s.selects(p) {
			continue
		}
		slice.Endpoints = append(slice.Endpoints, p.endpoint(p.IPs[at]))
	}
	return slice
}

func (s ServiceModel) selects(p PodModel) bool {
	if p.Namespace != s.Namespace || len(s.Selector) == 0 {
		return false
	}
	for key, value := range s.Selector {
		if p.Labels[key] != value {
			return false
		}
	}
	return true
}

func (p PodModel) endpoint(ip string) discoveryv1.Endpoint {
	terminating := p.Deleted != nil
	ready := p.Ready && !terminating
	return discoveryv1.Endpoint{
		Addresses:  []string{ip},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &p.Ready, Terminating: &terminating},
		NodeName:   &p.Node,
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.Object().UID},
	}
}
