package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// syncFaults are those of what istiod has to tell, and of how it gets to the ztunnels.
func syncFaults() []Fault {
	return []Fault{
		{"xds-dns-failure", "a ztunnel can't resolve istiod's name", plantFailing("dns error", "Unknown")},
		{"xds-tls-untrusted", "a ztunnel does not trust the certificate that istiod serves with", plantFailing("invalid peer certificate: BadSignature", "Unknown")},
		{"xds-auth-rejected", "istiod refuses a ztunnel's token", plantFailing("", "Unauthenticated")},
		{"xds-flapping", "a ztunnel's connection to istiod is cut five times an hour", on(plant.PickZtunnel, plantFlapping)},
		{"wds-push-storm-on-reconnect", "istiod sends everything again whenever a ztunnel connects anew", plantPushStorm},
		{"istiod-ambient-disabled", "istiod was installed again without ambient mode", plantNoAmbient},
		{"istiod-krt-unsynced", "one istiod may not list a resource, and has not read its own cluster", plantUnsynced},
		{"istiod-wds-late", "one istiod takes more than ten seconds for many changes", plantLate},
		{"workload-sent-late", "a ztunnel waited in vain to be told of a pod of its node, which it knows by now", onPair(plant.PickPeers, plantSentLate)},
		{"istiod-root-cert-cm-missing", "a ztunnel can't start: istio-ca-root-cert is not in its namespace", on(plant.PickZtunnel, plantNoRootCert)},
	}
}

// plantFailing makes a ztunnel fail to connect again and again for a reason, in the words of
// ztunnel src/xds.rs of its version.
func plantFailing(source, code string) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		z, err := plant.PickZtunnel(m, arg)
		if err != nil {
			return world.Subject{}, err
		}
		plant.Drop(m, z)
		text := fmt.Sprintf(`status: %s, message: "client error (Connect)", source: %s`, code, source)
		if code == "Unauthenticated" {
			text = `status: Unauthenticated, message: "authentication failure" (hint: check the control plane logs for more information)`
			for _, i := range m.Istiods {
				i.Lines = append(i.Lines, world.Record(m.Now.Add(-5*time.Minute), "error", "ads",
					fmt.Sprintf("Failed to authenticate client from %s:40122: Authenticator ClientCertificate: no verified chain is found; "+
						"Authenticator KubeJWTAuthenticator: failed to validate the JWT: token audience is not istio-ca", z.Pod.IP()), ""))
			}
		}
		const attempts = 24
		for n := range attempts {
			z.Lines = append(z.Lines, world.Record(m.Now.Add(-6*time.Minute+time.Duration(n)*15*time.Second), "warn", fmt.Sprintf("xds::client:xds{id=%d}", 5+n),
				"XDS client connection error: gRPC connection error connecting to https://istiod.istio-system.svc:15012: "+text+", retrying in 15s", ""))
		}
		z.Ends["ConnectionError"] = attempts
		return z.Subject(), nil
	}
}

func plantFlapping(m *world.Mesh, z *world.Ztunnel) {
	const every = 12 * time.Minute
	id := 1
	for at := m.Started.Add(every); at.Before(m.Now); at = at.Add(every) {
		id++
		z.Ends["Error"]++
		z.Lines = append(z.Lines,
			world.Record(at, "warn", fmt.Sprintf("xds::client:xds{id=%d}", id-1),
				`XDS client error: gRPC error status: Unavailable, message: "error reading a body from connection", retrying in 10ms`, ""),
			world.Record(at.Add(42*time.Millisecond), "info", fmt.Sprintf("xds::client:xds{id=%d}", id), "Stream established", ""))
	}
}

func plantPushStorm(m *world.Mesh, _ string) (world.Subject, error) {
	i := m.Istiods[0]
	if i.NoAmbient {
		return world.Subject{}, plant.ErrNoSubject
	}
	i.Storms = true
	z := i.Proxies[0]
	total := len(m.Pods) + len(m.Services)
	for n, at := 1, m.Started.Add(29*time.Minute); at.Before(m.Now); n, at = n+1, at.Add(30*time.Minute) {
		proxy := z.Pod.Name + "." + z.Pod.Namespace
		i.Lines = append(i.Lines,
			world.Record(at, "info", "delta", fmt.Sprintf("ADS: new delta connection for node:%s-%d", proxy, n), ""),
			world.Record(at.Add(9*time.Millisecond), "info", "delta", fmt.Sprintf("WDS: PUSH request for node:%s resources:%d removed:0 size:%dkB", proxy, total, total/5), ""))
		z.Ends["Reconnect"]++
	}
	return i.Pod.Subject(), nil
}

// plantNoAmbient: the ztunnels keep what they were told before, and are told nothing more.
func plantNoAmbient(m *world.Mesh, _ string) (world.Subject, error) {
	for _, i := range m.Istiods {
		if i.Storms {
			return world.Subject{}, plant.ErrNoSubject
		}
		i.NoAmbient = true
		i.Pod.Container.Env = slices.Clone(i.Pod.Container.Env)
		for n, e := range i.Pod.Container.Env {
			if e.Name == "PILOT_ENABLE_AMBIENT" {
				i.Pod.Container.Env[n].Value = "false"
			}
		}
		i.Pod.Container.Started = m.Now.Add(-40 * time.Minute).Truncate(time.Second)
	}
	return world.Subject{Kind: "deployment", Namespace: world.SystemNamespace, Name: "istiod"}, nil
}

func plantUnsynced(m *world.Mesh, _ string) (world.Subject, error) {
	i := m.Istiods[0]
	if i.Clusters == nil {
		i.Clusters = map[string]string{}
	}
	i.Clusters[world.ClusterID] = "syncing"
	i.Lines = append(i.Lines, world.Record(m.Started.Add(30*time.Second), "error", "klog",
		`k8s.io/client-go/informers: Failed to watch *v1.EndpointSlice: failed to list *v1.EndpointSlice: endpointslices.discovery.k8s.io is forbidden: `+
			`User "system:serviceaccount:istio-system:istiod" cannot list resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope`, ""))
	return i.Pod.Subject(), nil
}

func plantLate(m *world.Mesh, _ string) (world.Subject, error) {
	i := m.Istiods[0]
	i.Late = 22
	return i.Pod.Subject(), nil
}

func plantSentLate(m *world.Mesh, p, dst *world.Pod) {
	m.Unknown(p, m.AppAddress(dst), m.Now.Add(-world.TrafficSpan-5*time.Minute))
}

func plantNoRootCert(m *world.Mesh, z *world.Ztunnel) {
	plant.Drop(m, z)
	z.Pod.Created = m.Now.Add(-20 * time.Minute).Truncate(time.Second)
	z.Pod.Phase, z.Pod.Ready, z.Pod.InIstiod = corev1.PodPending, false, false
	z.Pod.Container.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	z.Waiting = true
	for _, p := range m.OnNode(z.Node) {
		if p.Proxy == world.ProxyUp {
			p.Mute, p.Proxy = true, world.ProxyAbsent
		}
	}
	m.Extra = append(m.Extra, world.Stored{Resource: "events", Object: plant.Event(m, "pod", z.Pod.Namespace, z.Pod.Name, "FailedMount", corev1.EventTypeWarning,
		`MountVolume.SetUp failed for volume "istiod-ca-cert" : configmap "istio-ca-root-cert" not found`, m.Now.Add(-90*time.Second).Truncate(time.Second))})
	// The one of every namespace is gone: ConfigMaps of others are not looked at.
	m.Amend = append(m.Amend, func(o world.Stored) {
		if cm, ok := o.Object.(*corev1.ConfigMap); ok && cm.Name == world.RootConfigMapName && cm.Namespace == z.Pod.Namespace {
			cm.Name = strings.TrimSuffix(world.RootConfigMapName, "-cert") + "-removed"
		}
	})
}
