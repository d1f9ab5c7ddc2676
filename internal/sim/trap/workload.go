package trap

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
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
func layPodless(m *world.Mesh) error {
	const vm, external = "10.124.0.1", "192.0.2.80"
	for i, w := range []struct{ uid, namespace, name, address, network, protocol string }{
		{world.ClusterID + "/networking.istio.io/WorkloadEntry/legacy/vm-1", "legacy", "vm-1", vm, "", "TCP"},
		{world.ClusterID + "/networking.istio.io/ServiceEntry/legacy/partner/" + external, "legacy", "partner", external, "", "TCP"},
		{world.ClusterID + "/discovery.k8s.io/EndpointSlice/default/kubernetes/172.18.0.250", "default", "kubernetes", "172.18.0.250", "", "TCP"},
		{"west//Pod/shop/elsewhere-1", "shop", "elsewhere-1", "10.200.0.9", "west", "HBONE"},
		{"west/SplitHorizonWorkload/istio-system/istio-eastwestgateway/198.51.100.7/shop/elsewhere.shop.svc.cluster.local", "istio-system", "istio-eastwestgateway", "198.51.100.7", "west", "HBONE"},
	} {
		m.Pods = append(m.Pods, &world.Pod{
			PodModel: world.PodModel{Namespace: w.namespace, Name: w.name, UID: string(world.StableUID("podless", w.uid)), IPs: []string{w.address}, ServiceAccount: "default", Ready: true},
			App:      w.name, Protocol: w.protocol, Network: w.network, OnNode: &world.Node{}, InIstiod: true, Mute: true,
			Podless: true, UIDAs: w.uid, Port: int32(8080 + i),
		})
	}
	m.Gateways = append(m.Gateways, world.NetworkGateway{Network: "west", Cluster: "west", Addr: "198.51.100.7", Port: 15443, HBONEPort: istio.HBONEPort})
	return nil
}

func layGateway(m *world.Mesh) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	gw := plant.AddBeside(m, p, m.Nodes[0], 0, m.Started)
	gw.Namespace, gw.Name, gw.App, gw.ServiceAccount = "ingress", "public-istio-7f8b6d5c9-x2k4q", "public-istio", "public-istio"
	gw.UID = string(world.StableUID("pods", gw.Namespace, gw.Name))
	gw.Owner = world.OwnerReference("apps/v1", "ReplicaSet", "replicasets", gw.Namespace, world.ReplicaSetName(gw.Name))
	gw.Labels = map[string]string{
		"app": gw.App, istio.GatewayNameLabel: "public", istio.ManagedGatewayLabel: "istio.io-gateway-controller",
		istio.DataplaneModeLabel: "none", "pod-template-hash": world.ReplicaHash(gw.Name),
	}
	gw.Container.Name, gw.Container.Image = istio.ProxyContainer, world.ImageHub+"proxyv2:"+m.Version
	gw.Native, gw.Protocol, gw.Port = true, "HBONE", 8080
	for range 3 {
		dst, err := plant.PickPod(m, "") // one that no policy protects
		if err != nil {
			return err
		}
		m.Calls = append(m.Calls, func(at time.Time) {
			a := world.Access{At: at, Src: gw, Dst: dst, Mutual: true, HBONE: m.AppAddress(dst), DstAddr: fmt.Sprintf("%s:%d", dst.IP(), istio.HBONEPort), Request: 310, Response: 920, Millis: 3}
			m.Inbound(a, dst, nil)
		})
	}
	m.Extra = append(m.Extra, world.Stored{Resource: "gateways", Object: publicGateway(gw, m.Started.Truncate(time.Second))})
	return nil
}

// publicGateway is the Gateway of an ingress gateway with one listener.
func publicGateway(p *world.Pod, created time.Time) *unstructured.Unstructured {
	gw := world.CustomObject(p.Namespace, "public", created, map[string]any{
		"gatewayClassName": "istio",
		"listeners":        []any{map[string]any{"name": "http", "port": int64(80), "protocol": "HTTP"}},
	})
	gw.Object["status"] = world.GatewayStatus("IPAddress", "198.51.100.20", created)
	return gw
}

func layScaledDownWaypoint(m *world.Mesh) error {
	if m.Waypoint == nil {
		return plant.ErrNoSubject
	}
	wp := m.Waypoint
	m.RemovePod(wp.Pod)
	d := world.Deployment(world.PodKey(wp.Namespace, wp.Name), []world.PodModel{wp.Pod.PodModel}, m.Started.Truncate(time.Second))
	var none int32
	d.Spec.Replicas = &none
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2}
	m.Extra = append(m.Extra, world.Stored{Resource: "deployments", Object: d})
	return nil
}
