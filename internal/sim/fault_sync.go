package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// syncFaults are those of what istiod has to tell, and of how it gets to the ztunnels.
func syncFaults() []Fault {
	return []Fault{
		{"xds-dns-failure", "a ztunnel can't resolve istiod's name", plantFailing("dns error", "Unknown")},
		{"xds-tls-untrusted", "a ztunnel does not trust the certificate that istiod serves with", plantFailing("invalid peer certificate: BadSignature", "Unknown")},
		{"xds-auth-rejected", "istiod refuses a ztunnel's token", plantFailing("", "Unauthenticated")},
		{"xds-flapping", "a ztunnel's connection to istiod is cut five times an hour", on((*mesh).pickZtunnel, plantFlapping)},
		{"wds-push-storm-on-reconnect", "istiod sends everything again whenever a ztunnel connects anew", plantPushStorm},
		{"istiod-ambient-disabled", "istiod was installed again without ambient mode", plantNoAmbient},
		{"istiod-krt-unsynced", "one istiod may not list a resource, and has not read its own cluster", plantUnsynced},
		{"istiod-wds-late", "one istiod takes more than ten seconds for many changes", plantLate},
		{"workload-sent-late", "a ztunnel waited in vain to be told of a pod of its node, which it knows by now", onPair((*mesh).pickPeers, plantSentLate)},
		{"istiod-root-cert-cm-missing", "a ztunnel can't start: istio-ca-root-cert is not in its namespace", on((*mesh).pickZtunnel, plantNoRootCert)},
	}
}

// plantFailing makes a ztunnel fail to connect again and again for a reason, in the words of
// ztunnel src/xds.rs of its version.
func plantFailing(source, code string) planter {
	return func(m *mesh, arg string) (Subject, error) {
		z, err := m.pickZtunnel(arg)
		if err != nil {
			return Subject{}, err
		}
		m.drop(z)
		text := fmt.Sprintf(`status: %s, message: "client error (Connect)", source: %s`, code, source)
		if code == "Unauthenticated" {
			text = `status: Unauthenticated, message: "authentication failure" (hint: check the control plane logs for more information)`
			for _, i := range m.istiods {
				i.lines = append(i.lines, record(m.now.Add(-5*time.Minute), "error", "ads",
					fmt.Sprintf("Failed to authenticate client from %s:40122: Authenticator ClientCertificate: no verified chain is found; "+
						"Authenticator KubeJWTAuthenticator: failed to validate the JWT: token audience is not istio-ca", z.pod.ip()), ""))
			}
		}
		const attempts = 24
		for n := range attempts {
			z.lines = append(z.lines, record(m.now.Add(-6*time.Minute+time.Duration(n)*15*time.Second), "warn", fmt.Sprintf("xds::client:xds{id=%d}", 5+n),
				"XDS client connection error: gRPC connection error connecting to https://istiod.istio-system.svc:15012: "+text+", retrying in 15s", ""))
		}
		z.ends["ConnectionError"] = attempts
		return z.subject(), nil
	}
}

func plantFlapping(m *mesh, z *ztunnel) {
	const every = 12 * time.Minute
	id := 1
	for at := m.started.Add(every); at.Before(m.now); at = at.Add(every) {
		id++
		z.ends["Error"]++
		z.lines = append(z.lines,
			record(at, "warn", fmt.Sprintf("xds::client:xds{id=%d}", id-1),
				`XDS client error: gRPC error status: Unavailable, message: "error reading a body from connection", retrying in 10ms`, ""),
			record(at.Add(42*time.Millisecond), "info", fmt.Sprintf("xds::client:xds{id=%d}", id), "Stream established", ""))
	}
}

func plantPushStorm(m *mesh, _ string) (Subject, error) {
	i := m.istiods[0]
	if i.noAmbient {
		return Subject{}, ErrNoSubject
	}
	i.storms = true
	z := i.proxies[0]
	total := len(m.pods) + len(m.services)
	for n, at := 1, m.started.Add(29*time.Minute); at.Before(m.now); n, at = n+1, at.Add(30*time.Minute) {
		proxy := z.pod.name + "." + z.pod.namespace
		i.lines = append(i.lines,
			record(at, "info", "delta", fmt.Sprintf("ADS: new delta connection for node:%s-%d", proxy, n), ""),
			record(at.Add(9*time.Millisecond), "info", "delta", fmt.Sprintf("WDS: PUSH request for node:%s resources:%d removed:0 size:%dkB", proxy, total, total/5), ""))
		z.ends["Reconnect"]++
	}
	return i.pod.subject(), nil
}

// plantNoAmbient: the ztunnels keep what they were told before, and are told nothing more.
func plantNoAmbient(m *mesh, _ string) (Subject, error) {
	for _, i := range m.istiods {
		if i.storms {
			return Subject{}, ErrNoSubject
		}
		i.noAmbient = true
		i.pod.container.env = slices.Clone(i.pod.container.env)
		for n, e := range i.pod.container.env {
			if e.Name == "PILOT_ENABLE_AMBIENT" {
				i.pod.container.env[n].Value = "false"
			}
		}
		i.pod.container.started = m.now.Add(-40 * time.Minute).Truncate(time.Second)
	}
	return Subject{Kind: "deployment", Namespace: systemNamespace, Name: "istiod"}, nil
}

func plantUnsynced(m *mesh, _ string) (Subject, error) {
	i := m.istiods[0]
	if i.clusters == nil {
		i.clusters = map[string]string{}
	}
	i.clusters[clusterID] = "syncing"
	i.lines = append(i.lines, record(m.started.Add(30*time.Second), "error", "klog",
		`k8s.io/client-go/informers: Failed to watch *v1.EndpointSlice: failed to list *v1.EndpointSlice: endpointslices.discovery.k8s.io is forbidden: `+
			`User "system:serviceaccount:istio-system:istiod" cannot list resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope`, ""))
	return i.pod.subject(), nil
}

func plantLate(m *mesh, _ string) (Subject, error) {
	i := m.istiods[0]
	i.late = 22
	return i.pod.subject(), nil
}

func plantSentLate(m *mesh, p, dst *meshPod) {
	m.unknown(p, m.appAddress(dst), m.now.Add(-trafficSpan-5*time.Minute))
}

func plantNoRootCert(m *mesh, z *ztunnel) {
	m.drop(z)
	z.pod.created = m.now.Add(-20 * time.Minute).Truncate(time.Second)
	z.pod.phase, z.pod.ready, z.pod.inIstiod = corev1.PodPending, false, false
	z.pod.container.waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	z.waiting = true
	for _, p := range m.onNode(z.node) {
		if p.proxy == proxyUp {
			p.mute, p.proxy = true, proxyAbsent
		}
	}
	m.extra = append(m.extra, stored{"events", m.event("pod", z.pod.namespace, z.pod.name, "FailedMount", corev1.EventTypeWarning,
		`MountVolume.SetUp failed for volume "istiod-ca-cert" : configmap "istio-ca-root-cert" not found`, m.now.Add(-90*time.Second).Truncate(time.Second))})
	// The one of every namespace is gone: ConfigMaps of others are not looked at.
	m.amend = append(m.amend, func(o stored) {
		if cm, ok := o.object.(*corev1.ConfigMap); ok && cm.Name == rootConfigMapName && cm.Namespace == z.pod.namespace {
			cm.Name = strings.TrimSuffix(rootConfigMapName, "-cert") + "-removed"
		}
	})
}
