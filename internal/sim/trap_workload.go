package sim

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/istio"
)

func workloadTraps() []Trap {
	return []Trap{
		{"workloads-without-pods", "workloads of WorkloadEntries, ServiceEntries, EndpointSlices and other networks, which no pod stands behind", "", layPodless},
		{"gateways-with-own-mtls", "an ingress gateway with HBONE of its own that calls captured pods, and is called from outside", "", layGateway},
		{"replicas-zero-waypoint", "a waypoint that somebody scaled to nothing", "notice", layScaledDownWaypoint},
	}
}

// layPodless adds a workload of each kind that has no pod, under the uid that istiod gives it,
// pilot/pkg/serviceregistry/ambient/workloads.go.
func layPodless(m *mesh) error {
	const vm, external = "10.124.0.1", "192.0.2.80"
	for i, w := range []struct{ uid, namespace, name, address, network, protocol string }{
		{clusterID + "/networking.istio.io/WorkloadEntry/legacy/vm-1", "legacy", "vm-1", vm, "", "TCP"},
		{clusterID + "/networking.istio.io/ServiceEntry/legacy/partner/" + external, "legacy", "partner", external, "", "TCP"},
		{clusterID + "/discovery.k8s.io/EndpointSlice/default/kubernetes/172.18.0.250", "default", "kubernetes", "172.18.0.250", "", "TCP"},
		{"west//Pod/shop/elsewhere-1", "shop", "elsewhere-1", "10.200.0.9", "west", "HBONE"},
		{"west/SplitHorizonWorkload/istio-system/istio-eastwestgateway/198.51.100.7/shop/elsewhere.shop.svc.cluster.local", "istio-system", "istio-eastwestgateway", "198.51.100.7", "west", "HBONE"},
	} {
		m.pods = append(m.pods, &meshPod{
			podModel: podModel{namespace: w.namespace, name: w.name, uid: string(stableUID("podless", w.uid)), ips: []string{w.address}, serviceAccount: "default", ready: true},
			app:      w.name, protocol: w.protocol, network: w.network, onNode: &meshNode{}, inIstiod: true, mute: true,
			podless: true, uidAs: w.uid, port: int32(8080 + i),
		})
	}
	m.gateways = append(m.gateways, networkGateway{Network: "west", Cluster: "west", Addr: "198.51.100.7", Port: 15443, HBONEPort: istio.HBONEPort})
	return nil
}

func layGateway(m *mesh) error {
	p, err := m.pickPod("")
	if err != nil {
		return err
	}
	gw := m.addBeside(p, m.nodes[0], 0, m.started)
	gw.namespace, gw.name, gw.app, gw.serviceAccount = "ingress", "public-istio-7f8b6d5c9-x2k4q", "public-istio", "public-istio"
	gw.uid = string(stableUID("pods", gw.namespace, gw.name))
	gw.owner = ownerReference("apps/v1", "ReplicaSet", "replicasets", gw.namespace, replicaSetName(gw.name))
	gw.labels = map[string]string{
		"app": gw.app, istio.GatewayNameLabel: "public", istio.ManagedGatewayLabel: "istio.io-gateway-controller",
		istio.DataplaneModeLabel: "none", "pod-template-hash": replicaHash(gw.name),
	}
	gw.container.name, gw.container.image = istio.ProxyContainer, imageHub+"proxyv2:"+m.version
	gw.native, gw.protocol, gw.port = true, "HBONE", 8080
	for range 3 {
		dst, err := m.pickPod("") // one that no policy protects
		if err != nil {
			return err
		}
		m.calls = append(m.calls, func(at time.Time) {
			a := access{at: at, src: gw, dst: dst, mutual: true, hbone: m.appAddress(dst), dstAddr: fmt.Sprintf("%s:%d", dst.ip(), istio.HBONEPort), request: 310, response: 920, millis: 3}
			m.inbound(a, dst, nil)
		})
	}
	m.extra = append(m.extra, stored{"gateways", publicGateway(gw, m.started.Truncate(time.Second))})
	return nil
}

// publicGateway is the Gateway of an ingress gateway with one listener.
func publicGateway(p *meshPod, created time.Time) *unstructured.Unstructured {
	gw := customObject(p.namespace, "public", created, map[string]any{
		"gatewayClassName": "istio",
		"listeners":        []any{map[string]any{"name": "http", "port": int64(80), "protocol": "HTTP"}},
	})
	gw.Object["status"] = gatewayStatus("IPAddress", "198.51.100.20", created)
	return gw
}

func layScaledDownWaypoint(m *mesh) error {
	if m.waypoint == nil {
		return ErrNoSubject
	}
	wp := m.waypoint
	m.removePod(wp.pod)
	d := deployment(podKey(wp.namespace, wp.name), []podModel{wp.pod.podModel}, m.started.Truncate(time.Second))
	var none int32
	d.Spec.Replicas = &none
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2}
	m.extra = append(m.extra, stored{"deployments", d})
	return nil
}
