package fault

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
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

// amendWaypoint changes the Gateway's object before it is served.
func amendWaypoint(m *world.Mesh, change func(gateway map[string]any)) {
	m.Amend = append(m.Amend, func(o world.Stored) {
		if u, ok := o.Object.(*unstructured.Unstructured); ok && o.Resource == "gateways" && u.GetName() == m.Waypoint.Name {
			change(u.Object)
		}
	})
}

func condition(kind, status, reason, message string, at time.Time) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at.UTC().Format(time.RFC3339)}
}

func plantNoWaypoint(m *world.Mesh, arg string) (world.Subject, error) {
	s, _, err := pickCalled(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	s.Waypoint = "edge"
	return s.Subject(), nil
}

func plantForbiddenWaypoint(m *world.Mesh, arg string) (world.Subject, error) {
	if m.Waypoint == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	for _, s := range m.Services {
		if s.Namespace == m.Waypoint.Namespace || arg != "" && arg != world.PodKey(s.Namespace, s.Name) || len(s.Pods) == 0 || !s.Pods[0].Mesh || s.Pods[0].System {
			continue
		}
		s.Waypoint = m.Waypoint.Name
		amendService(m, s, func(svc *corev1.Service) {
			svc.Labels[istio.UseWaypointNamespaceLabel] = m.Waypoint.Namespace
			svc.Status.Conditions = append(svc.Status.Conditions, metav1.Condition{
				Type: "istio.io/WaypointBound", Status: metav1.ConditionFalse, Reason: "AttachmentDenied", LastTransitionTime: metav1.NewTime(m.Started),
				Message: `we are not permitted to attach to waypoint "` + m.Waypoint.Namespace + "/" + m.Waypoint.Name + `" (missing allowedRoutes?)`,
			})
		})
		return s.Subject(), nil
	}
	return world.Subject{}, plant.ErrNoSubject
}

func plantWaypointAtZero(m *world.Mesh, _ string) (world.Subject, error) {
	users := m.ThroughWaypoint()
	if len(users) == 0 || scaled(m.Waypoint) {
		return world.Subject{}, plant.ErrNoSubject
	}
	src, err := plant.PickCaller(m, users[0].Pods[0], nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	p := m.Waypoint.Pod
	d := world.Deployment(world.PodKey(m.Waypoint.Namespace, m.Waypoint.Name), []world.PodModel{p.PodModel}, m.Started.Truncate(time.Second))
	none := int32(0)
	d.Spec.Replicas = &none
	d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 0, 0, 0, 0
	m.Extra = append(m.Extra, world.Stored{Resource: "deployments", Object: d})
	m.RemovePod(p)
	p.Ready = false
	m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, users[0], at) })
	return m.Waypoint.Subject(), nil
}

func plantWaypointUnknown(m *world.Mesh, _ string) (world.Subject, error) {
	users := m.ThroughWaypoint()
	if len(users) == 0 {
		return world.Subject{}, plant.ErrNoSubject
	}
	s := users[0]
	src, err := plant.PickCaller(m, s.Pods[0], nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	const address = "10.95.7.7"
	s.SentTo = "/" + address
	amendWaypoint(m, func(gateway map[string]any) { gateway["status"] = world.GatewayStatus("IPAddress", address, m.Started) })
	m.Calls = append(m.Calls, func(at time.Time) {
		src.OnNode.Ztunnel.Note(world.Access{At: at, Early: true, Src: src, SrcAddr: m.Socket(src), DstAddr: s.IPs[0] + ":80",
			Err: `unknown waypoint: waypoint GatewayAddress { destination: Address(NetworkAddress { network: "", address: ` + address + ` }), hbone_mtls_port: 15008 } not found`})
	})
	return s.Subject(), nil
}

func plantWaypointType(m *world.Mesh, arg string) (world.Subject, error) {
	if m.Waypoint == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	for _, p := range m.Members() {
		if p.Namespace == m.Waypoint.Namespace && (arg == "" || arg == world.PodKey(p.Namespace, p.Name)) {
			p.Labels[istio.UseWaypointLabel] = m.Waypoint.Name
			return p.Subject(), nil
		}
	}
	return world.Subject{}, plant.ErrNoSubject
}

// unbind takes the waypoint from all services, whose labels still ask for it.
func unbind(m *world.Mesh) {
	for _, s := range m.ThroughWaypoint() {
		s.Through = nil
	}
}

func plantNoListener(m *world.Mesh, _ string) (world.Subject, error) {
	if m.Waypoint == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	unbind(m)
	amendWaypoint(m, func(gateway map[string]any) {
		spec, _ := gateway["spec"].(map[string]any)
		spec["listeners"] = []any{map[string]any{"name": "mesh", "port": int64(istio.HBONEPort), "protocol": "HTTP"}}
	})
	return m.Waypoint.Subject(), nil
}

func plantNoClass(m *world.Mesh, _ string) (world.Subject, error) {
	if m.Waypoint == nil || scaled(m.Waypoint) {
		return world.Subject{}, plant.ErrNoSubject
	}
	unbind(m)
	m.NoClass = true
	wp := *m.Waypoint
	m.RemovePod(wp.Pod)
	wp.Pod.Ready = false
	m.Services = world.AllBut(m.Services, wp.Service)
	amendWaypoint(m, func(gateway map[string]any) {
		gateway["status"] = map[string]any{"conditions": []any{
			condition("Accepted", "Unknown", "Pending", "Waiting for controller", m.Started),
			condition("Programmed", "Unknown", "Pending", "Waiting for controller", m.Started),
		}}
	})
	for _, i := range m.Istiods {
		i.Lines = append(i.Lines, world.Record(m.Started.Add(time.Minute), "warn", "krt",
			"could not find GatewayClass istio-waypoint for Gateway "+wp.Namespace+"/"+wp.Name, ""))
	}
	return wp.Subject(), nil
}

func plantWaypointDenied(m *world.Mesh, _ string) (world.Subject, error) {
	users := m.ThroughWaypoint()
	if len(users) == 0 {
		return world.Subject{}, plant.ErrNoSubject
	}
	p, wp := users[0].Pods[0], m.Waypoint.Pod
	src, err := plant.PickCaller(m, p, nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	m.Protect(p, p.App+"-clients", []*world.Pod{src})
	m.Calls = append(m.Calls, func(at time.Time) {
		a := world.Access{At: at, Src: wp, Dst: p, Service: users[0], Mutual: true, HBONE: m.AppAddress(p), DstAddr: p.IP() + ":15008"}
		(&world.Failure{Inbound: "connection closed due to policy rejection: allow policies exist, but none allowed"}).AtDestination(m, a, p)
	})
	return p.Subject(), nil
}

func plantWaypointBypassed(m *world.Mesh, _ string) (world.Subject, error) {
	users := m.ThroughWaypoint()
	if len(users) == 0 {
		return world.Subject{}, plant.ErrNoSubject
	}
	p := users[0].Pods[0]
	src, err := plant.PickCaller(m, p, nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	for _, s := range m.Services {
		if s.Namespace == p.Namespace && s.App == p.App {
			s.Through, s.Waypoint = m.Waypoint, m.Waypoint.Name
		}
	}
	m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(src, p, at) })
	return p.Subject(), nil
}

// waypointRuns is true of a waypoint that has its pod.
func waypointRuns(m *world.Mesh) bool {
	return m.Waypoint != nil && slices.Contains(m.Pods, m.Waypoint.Pod)
}

func plantOldWaypoint(m *world.Mesh, _ string) (world.Subject, error) {
	if !waypointRuns(m) {
		return world.Subject{}, plant.ErrNoSubject
	}
	m.Waypoint.Version = "1.26.8"
	m.Waypoint.Pod.Container.Image = world.ImageHub + "proxyv2:1.26.8"
	return m.Waypoint.Subject(), nil
}

func plantShortDrain(m *world.Mesh, _ string) (world.Subject, error) {
	if !waypointRuns(m) {
		return world.Subject{}, plant.ErrNoSubject
	}
	p := m.Waypoint.Pod
	m.Amend = append(m.Amend, func(o world.Stored) {
		if pod, ok := o.Object.(*corev1.Pod); ok && pod.Namespace == p.Namespace && pod.Name == p.Name {
			two := int64(2)
			pod.Spec.TerminationGracePeriodSeconds = &two
		}
	})
	return p.Subject(), nil
}

// plantEntry adds a ServiceEntry with a status condition.
func plantEntry(kind, status, reason, message, host string) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		p, err := plant.PickPod(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		s := addEntry(m, p.Namespace, "cdn", host, "240.240.7.7", "DYNAMIC_DNS", map[string]any{"conditions": []any{condition(kind, status, reason, message, m.Started)}})
		return world.Subject{Kind: "serviceentry", Namespace: s.Namespace, Name: s.Name}, nil
	}
}
