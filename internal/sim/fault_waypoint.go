package sim

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/istio"
)

func waypointFaults() []Fault {
	return []Fault{
		{"waypoint-not-bound", "a service asks for a waypoint that does not exist", plantNoWaypoint},
		{"waypoint-cross-ns-rejected", "a service asks for a waypoint of another namespace, which does not allow it", plantForbiddenWaypoint},
		{"waypoint-scaled-to-zero", "a waypoint that services use is scaled to nothing", plantWaypointAtZero},
		{"waypoint-unknown", "a service's waypoint has an address that nothing owns", plantWaypointUnknown},
		{"waypoint-type-mismatch", "a pod asks for a waypoint that is for services", plantWaypointType},
		{"waypoint-no-hbone-listener", "a waypoint's listener does not speak HBONE", plantNoListener},
		{"waypoint-gatewayclass-missing", "the GatewayClass of waypoints does not exist, and a waypoint was never deployed", plantNoClass},
		{"waypoint-l4-policy-broken", "a policy of the pods behind a waypoint names its clients, and not the waypoint", plantWaypointDenied},
		{"waypoint-bypassed", "a pod whose services all go through a waypoint is called by its address", plantWaypointBypassed},
		{"waypoint-revision-skew", "a waypoint was left behind by upgrades", plantOldWaypoint},
		{"waypoint-drain-2s", "a waypoint is given two seconds to end", plantShortDrain},
		{"waypoint-missing-for-feature", "a wildcard ServiceEntry has no waypoint", plantEntry("istio.io/WaypointMissing", "True", "NoWaypointForWildcardService", "a wildcard service needs a waypoint", "*.cdn.example")},
		{"waypoint-not-bound-entry", "the waypoint of a ServiceEntry is not ready", plantEntry("istio.io/WaypointBound", "False", "WaypointIsNotReady", `waypoint "egress" is not ready`, "cdn.example")},
	}
}

// throughWaypoint are the services that go through the world's waypoint.
func (m *mesh) throughWaypoint() []*meshService {
	var out []*meshService
	for _, s := range m.services {
		if m.waypoint != nil && s.through == m.waypoint && len(s.pods) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func (wp *meshWaypoint) subject() Subject {
	return Subject{Kind: "gateway", Namespace: wp.namespace, Name: wp.name}
}

// amendWaypoint changes the Gateway's object before it is served.
func (m *mesh) amendWaypoint(change func(gateway map[string]any)) {
	m.amend = append(m.amend, func(o stored) {
		if u, ok := o.object.(*unstructured.Unstructured); ok && o.resource == "gateways" && u.GetName() == m.waypoint.name {
			change(u.Object)
		}
	})
}

func condition(kind, status, reason, message string, at time.Time) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at.UTC().Format(time.RFC3339)}
}

func plantNoWaypoint(m *mesh, arg string) (Subject, error) {
	s, _, err := m.pickCalled(arg)
	if err != nil {
		return Subject{}, err
	}
	s.waypoint = "edge"
	return s.subject(), nil
}

func plantForbiddenWaypoint(m *mesh, arg string) (Subject, error) {
	if m.waypoint == nil {
		return Subject{}, ErrNoSubject
	}
	for _, s := range m.services {
		if s.namespace == m.waypoint.namespace || arg != "" && arg != podKey(s.namespace, s.name) || len(s.pods) == 0 || !s.pods[0].mesh || s.pods[0].system {
			continue
		}
		s.waypoint = m.waypoint.name
		m.amendService(s, func(svc *corev1.Service) {
			svc.Labels[istio.UseWaypointNamespaceLabel] = m.waypoint.namespace
			svc.Status.Conditions = append(svc.Status.Conditions, metav1.Condition{
				Type: "istio.io/WaypointBound", Status: metav1.ConditionFalse, Reason: "AttachmentDenied", LastTransitionTime: metav1.NewTime(m.started),
				Message: `we are not permitted to attach to waypoint "` + m.waypoint.namespace + "/" + m.waypoint.name + `" (missing allowedRoutes?)`,
			})
		})
		return s.subject(), nil
	}
	return Subject{}, ErrNoSubject
}

func plantWaypointAtZero(m *mesh, _ string) (Subject, error) {
	users := m.throughWaypoint()
	if len(users) == 0 || m.waypoint.scaled() {
		return Subject{}, ErrNoSubject
	}
	src, err := m.pickCaller(users[0].pods[0], nil, nil)
	if err != nil {
		return Subject{}, err
	}
	p := m.waypoint.pod
	d := deployment(podKey(m.waypoint.namespace, m.waypoint.name), []podModel{p.podModel}, m.started.Truncate(time.Second))
	none := int32(0)
	d.Spec.Replicas = &none
	d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 0, 0, 0, 0
	m.extra = append(m.extra, stored{"deployments", d})
	m.removePod(p)
	p.ready = false
	m.calls = append(m.calls, func(at time.Time) { m.callService(src, users[0], at) })
	return m.waypoint.subject(), nil
}

func plantWaypointUnknown(m *mesh, _ string) (Subject, error) {
	users := m.throughWaypoint()
	if len(users) == 0 {
		return Subject{}, ErrNoSubject
	}
	s := users[0]
	src, err := m.pickCaller(s.pods[0], nil, nil)
	if err != nil {
		return Subject{}, err
	}
	const address = "10.95.7.7"
	s.sentTo = "/" + address
	m.amendWaypoint(func(gateway map[string]any) { gateway["status"] = gatewayStatus("IPAddress", address, m.started) })
	m.calls = append(m.calls, func(at time.Time) {
		src.onNode.ztunnel.note(access{at: at, early: true, src: src, srcAddr: m.socket(src), dstAddr: s.ips[0] + ":80",
			err: `unknown waypoint: waypoint GatewayAddress { destination: Address(NetworkAddress { network: "", address: ` + address + ` }), hbone_mtls_port: 15008 } not found`})
	})
	return s.subject(), nil
}

func plantWaypointType(m *mesh, arg string) (Subject, error) {
	if m.waypoint == nil {
		return Subject{}, ErrNoSubject
	}
	for _, p := range m.members() {
		if p.namespace == m.waypoint.namespace && (arg == "" || arg == podKey(p.namespace, p.name)) {
			p.labels[istio.UseWaypointLabel] = m.waypoint.name
			return p.subject(), nil
		}
	}
	return Subject{}, ErrNoSubject
}

// unbind takes the waypoint from all services, whose labels still ask for it.
func (m *mesh) unbind() {
	for _, s := range m.throughWaypoint() {
		s.through = nil
	}
}

func plantNoListener(m *mesh, _ string) (Subject, error) {
	if m.waypoint == nil {
		return Subject{}, ErrNoSubject
	}
	m.unbind()
	m.amendWaypoint(func(gateway map[string]any) {
		spec, _ := gateway["spec"].(map[string]any)
		spec["listeners"] = []any{map[string]any{"name": "mesh", "port": int64(istio.HBONEPort), "protocol": "HTTP"}}
	})
	return m.waypoint.subject(), nil
}

func plantNoClass(m *mesh, _ string) (Subject, error) {
	if m.waypoint == nil || m.waypoint.scaled() {
		return Subject{}, ErrNoSubject
	}
	m.unbind()
	m.noClass = true
	wp := *m.waypoint
	m.removePod(wp.pod)
	wp.pod.ready = false
	m.services = allBut(m.services, wp.service)
	m.amendWaypoint(func(gateway map[string]any) {
		gateway["status"] = map[string]any{"conditions": []any{
			condition("Accepted", "Unknown", "Pending", "Waiting for controller", m.started),
			condition("Programmed", "Unknown", "Pending", "Waiting for controller", m.started),
		}}
	})
	for _, i := range m.istiods {
		i.lines = append(i.lines, record(m.started.Add(time.Minute), "warn", "krt",
			"could not find GatewayClass istio-waypoint for Gateway "+wp.namespace+"/"+wp.name, ""))
	}
	return wp.subject(), nil
}

func plantWaypointDenied(m *mesh, _ string) (Subject, error) {
	users := m.throughWaypoint()
	if len(users) == 0 {
		return Subject{}, ErrNoSubject
	}
	p, wp := users[0].pods[0], m.waypoint.pod
	src, err := m.pickCaller(p, nil, nil)
	if err != nil {
		return Subject{}, err
	}
	m.protect(p, p.app+"-clients", []*meshPod{src})
	m.calls = append(m.calls, func(at time.Time) {
		a := access{at: at, src: wp, dst: p, service: users[0], mutual: true, hbone: m.appAddress(p), dstAddr: p.ip() + ":15008"}
		(&failure{inbound: "connection closed due to policy rejection: allow policies exist, but none allowed"}).atDestination(m, a, p)
	})
	return p.subject(), nil
}

func plantWaypointBypassed(m *mesh, _ string) (Subject, error) {
	users := m.throughWaypoint()
	if len(users) == 0 {
		return Subject{}, ErrNoSubject
	}
	p := users[0].pods[0]
	src, err := m.pickCaller(p, nil, nil)
	if err != nil {
		return Subject{}, err
	}
	for _, s := range m.services {
		if s.namespace == p.namespace && s.app == p.app {
			s.through, s.waypoint = m.waypoint, m.waypoint.name
		}
	}
	m.calls = append(m.calls, func(at time.Time) { m.callPod(src, p, at) })
	return p.subject(), nil
}

// waypointRuns is true of a waypoint that has its pod.
func (m *mesh) waypointRuns() bool {
	return m.waypoint != nil && slices.Contains(m.pods, m.waypoint.pod)
}

func plantOldWaypoint(m *mesh, _ string) (Subject, error) {
	if !m.waypointRuns() {
		return Subject{}, ErrNoSubject
	}
	m.waypoint.version = "1.26.8"
	m.waypoint.pod.container.image = imageHub + "proxyv2:1.26.8"
	return m.waypoint.subject(), nil
}

func plantShortDrain(m *mesh, _ string) (Subject, error) {
	if !m.waypointRuns() {
		return Subject{}, ErrNoSubject
	}
	p := m.waypoint.pod
	m.amend = append(m.amend, func(o stored) {
		if pod, ok := o.object.(*corev1.Pod); ok && pod.Namespace == p.namespace && pod.Name == p.name {
			two := int64(2)
			pod.Spec.TerminationGracePeriodSeconds = &two
		}
	})
	return p.subject(), nil
}

// plantEntry adds a ServiceEntry with a status condition.
func plantEntry(kind, status, reason, message, host string) planter {
	return func(m *mesh, arg string) (Subject, error) {
		p, err := m.pickPod(arg)
		if err != nil {
			return Subject{}, err
		}
		s := m.addEntry(p.namespace, "cdn", host, "240.240.7.7", "DYNAMIC_DNS", map[string]any{"conditions": []any{condition(kind, status, reason, message, m.started)}})
		return Subject{Kind: "serviceentry", Namespace: s.namespace, Name: s.name}, nil
	}
}
