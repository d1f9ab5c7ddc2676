package fault

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func networkFaults() []Fault {
	return []Fault{
		{"mc-cluster-id-mismatch", "a ztunnel is set up for another cluster than istiod's", plantOtherCluster},
		{"mc-network-mismatch", "a ztunnel is set up for another network than its node's pods are in", plantOtherNetwork},
		{"mc-remote-unsynced", "istiod gave up reading a remote cluster", plantRemoteTimeout},
		{"mc-no-network-gateway", "workloads stand in a network that no gateway leads into", plantNoGateway},
		{"mc-gateway-unknown-in-ztunnel", "one ztunnel does not know the gateway into another network", plantGatewayUnknown},
		{"mc-multiple-gateways", "a network has two gateways, of which istiod takes the first", plantTwoGateways},
		{"mc-flag-disabled", "a service is global, and istiod does not do multi-network", plantFlagDisabled},
		{"mc-service-not-global", "the mesh has two networks, and no service is global", plantNotGlobal},
		{"mc-custom-trust-domain", "a mesh of two networks has a trust domain of its own, and a version that can't do with one", plantTrustDomain},
		{"mc-early-serve", "an istiod that has just started serves before it has read the remote cluster", plantEarlyServe},
	}
}

const (
	// remote is the cluster and the network beside the world's own.
	remote = "west"
	// gatewayAddress is the way into it.
	gatewayAddress = "198.51.100.7"
)

func plantOtherCluster(m *world.Mesh, arg string) (world.Subject, error) {
	return misconfigure(m, arg, "clusterId", "east")
}

func plantOtherNetwork(m *world.Mesh, arg string) (world.Subject, error) {
	return misconfigure(m, arg, "network", "net-east")
}

// misconfigure sets one value of a ztunnel's configuration; its pods stop calling.
func misconfigure(m *world.Mesh, arg, key, value string) (world.Subject, error) {
	z, err := plant.PickZtunnel(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	z.Settings = map[string]string{key: value}
	for _, p := range m.OnNode(z.Node) {
		p.Mute = true
	}
	return z.Subject(), nil
}

// watchRemote has istiods watch the remote cluster, and read it.
func watchRemote(m *world.Mesh) {
	for _, i := range m.Istiods {
		if i.Clusters == nil {
			i.Clusters = map[string]string{}
		}
		i.Clusters[remote] = cmp.Or(i.Clusters[remote], "synced")
	}
}

// failRemote has one of the istiods that read the remote cluster not read it.
func failRemote(m *world.Mesh, status string) (*world.Istiod, error) {
	watchRemote(m)
	for _, i := range m.Istiods {
		if i.Clusters[remote] == "synced" {
			i.Clusters[remote] = status
			return i, nil
		}
	}
	return nil, plant.ErrNoSubject
}

func plantRemoteTimeout(m *world.Mesh, _ string) (world.Subject, error) {
	i, err := failRemote(m, "timeout")
	if err != nil {
		return world.Subject{}, err
	}
	i.Lines = append(i.Lines, world.Record(m.Started.Add(30*time.Second), "error", "kube", "remote cluster "+remote+" failed to sync after 30s", ""))
	return i.Pod.Subject(), nil
}

// joinNetworks has istiods do multi-network.
func joinNetworks(m *world.Mesh) error {
	if m.Remote.Apart {
		return plant.ErrNoSubject
	}
	if !m.Remote.MultiNetwork {
		m.Remote.MultiNetwork = true
		setIstiodEnv(m, "AMBIENT_ENABLE_MULTI_NETWORK", "true")
	}
	return nil
}

// addRemotePods adds workloads of the other network, as istiod sends them where networks are joined.
func addRemotePods(m *world.Mesh) error {
	if err := joinNetworks(m); err != nil || len(m.Remote.Pods) > 0 {
		return err
	}
	for i := range 3 {
		name := fmt.Sprintf("inventory-7d5b9c8f6-%s", world.NameSuffix("inventory", i))
		uid := remote + "//Pod/shop/" + name
		m.Remote.Pods = append(m.Remote.Pods, &world.Pod{
			PodModel: world.PodModel{
				Namespace: "shop", Name: name, UID: string(world.StableUID("podless", uid)), IPs: []string{fmt.Sprintf("10.200.0.%d", i+9)},
				ServiceAccount: "inventory", Ready: true,
			},
			App: "inventory", Protocol: "HBONE", Network: remote, OnNode: &world.Node{}, InIstiod: true, Mute: true, Podless: true, UIDAs: uid, Port: 8080,
		})
	}
	m.Pods = append(m.Pods, m.Remote.Pods...)
	return nil
}

// addGateways adds ways into the other network that istiods know.
func addGateways(m *world.Mesh, addresses ...string) error {
	if m.Remote.Gatewayless {
		return plant.ErrNoSubject
	}
	for _, address := range addresses {
		if !hasGateway(m, address) {
			m.Gateways = append(m.Gateways, world.NetworkGateway{Network: remote, Cluster: remote, Addr: address, Port: 15443, HBONEPort: istio.HBONEPort})
		}
	}
	return joinNetworks(m)
}

// hasGateway is true of one into the other network: at the address, or anywhere where that is "".
func hasGateway(m *world.Mesh, address string) bool {
	return slices.ContainsFunc(m.Gateways, func(g world.NetworkGateway) bool { return g.Network == remote && (address == "" || g.Addr == address) })
}

func plantNoGateway(m *world.Mesh, _ string) (world.Subject, error) {
	if hasGateway(m, "") {
		return world.Subject{}, plant.ErrNoSubject
	}
	m.Remote.Gatewayless = true
	for _, i := range m.Istiods {
		i.Lines = append(i.Lines, world.Record(m.Now.Add(-5*time.Minute), "warn", "ambient", "No network gateway found for network "+remote, ""))
	}
	return world.Subject{Kind: "network", Name: remote}, addRemotePods(m)
}

// plantGatewayUnknown: where no gateway leads into the network at all, that is why.
func plantGatewayUnknown(m *world.Mesh, arg string) (world.Subject, error) {
	src, err := plant.PickPod(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	if err := addRemotePods(m); err != nil {
		return world.Subject{}, err
	}
	if !m.Remote.Gatewayless {
		if err := addGateways(m, gatewayAddress); err != nil {
			return world.Subject{}, err
		}
	}
	s := m.AddService("shop", "inventory", "inventory", 80, 8080)
	s.Foreign = true
	for _, p := range m.Remote.Pods {
		m.Join(s, p)
	}
	m.Calls = append(m.Calls, func(at time.Time) {
		src.OnNode.Ztunnel.Note(world.Access{
			At: at, Src: src, SrcAddr: m.Socket(src), DstAddr: fmt.Sprintf("%s:%d", s.IPs[0], s.Port), Service: s, Err: "unknown network gateway: " + remote, Flag: "-",
		})
	})
	return world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}, nil
}

// plantTrustDomain moves the mesh to a version that makes the identities of gateways with the default trust domain.
func plantTrustDomain(m *world.Mesh, arg string) (world.Subject, error) {
	for _, n := range m.Nodes {
		if n.Ztunnel != nil && len(n.Ztunnel.Certs) > 0 {
			return world.Subject{}, plant.ErrNoSubject // what was planted on an identity names it as it was
		}
	}
	if err := downgrade(m, "1.28.0"); err != nil {
		return world.Subject{}, err
	}
	rename(m, cmp.Or(arg, "corp.example"))
	if err := addRemotePods(m); err != nil {
		return world.Subject{}, err
	}
	return world.Subject{Kind: "component", Name: "istiod " + m.Version}, addGateways(m, gatewayAddress)
}

// rename gives the mesh another trust domain.
func rename(m *world.Mesh, trustDomain string) {
	for _, p := range m.Policies {
		for i, principal := range p.Principals {
			p.Principals[i] = strings.Replace(principal, m.TrustDomain+"/", trustDomain+"/", 1)
		}
	}
	m.TrustDomain = trustDomain
	m.SettleCluster()
}

func plantTwoGateways(m *world.Mesh, _ string) (world.Subject, error) {
	if err := addRemotePods(m); err != nil {
		return world.Subject{}, err
	}
	if err := addGateways(m, gatewayAddress, "198.51.100.8"); err != nil {
		return world.Subject{}, err
	}
	i := m.Istiods[0]
	i.Lines = append(i.Lines, world.Record(m.Now.Add(-5*time.Minute), "warn", "ambient", "Multiple gateways found for network "+remote+", using the first one", ""))
	return i.Pod.Subject(), nil
}

// setIstiodEnv sets a variable on every istiod.
func setIstiodEnv(m *world.Mesh, name, value string) {
	for _, i := range m.Istiods {
		i.Pod.Container.Env = append(i.Pod.Container.Env, corev1.EnvVar{Name: name, Value: value})
	}
}

func plantFlagDisabled(m *world.Mesh, _ string) (world.Subject, error) {
	if m.Remote.MultiNetwork {
		return world.Subject{}, plant.ErrNoSubject
	}
	m.Remote.Apart = true
	var of *world.Service
	for _, s := range m.Services {
		if len(s.Pods) > 0 && s.Pods[0].Mesh && !s.Pods[0].Native {
			of = s
			break
		}
	}
	if of == nil {
		return world.Subject{}, plant.ErrNoSubject
	}
	m.Amend = append(m.Amend, func(o world.Stored) {
		if s, ok := o.Object.(*corev1.Service); ok && s.Namespace == of.Namespace && s.Name == of.Name {
			s.Labels = world.Merged(s.Labels, map[string]string{istio.GlobalLabel: "true"})
		}
	})
	return m.Istiods[0].Pod.Subject(), nil
}

func plantNotGlobal(m *world.Mesh, _ string) (world.Subject, error) {
	if err := addGateways(m, gatewayAddress); err != nil {
		return world.Subject{}, err
	}
	watchRemote(m)
	return world.Subject{Kind: "mesh", Name: world.ContextName}, nil
}

func plantEarlyServe(m *world.Mesh, _ string) (world.Subject, error) {
	i, err := failRemote(m, "syncing")
	if err != nil {
		return world.Subject{}, err
	}
	i.Pod.Container.Started = m.Now.Add(-100 * time.Second).Truncate(time.Second)
	return i.Pod.Subject(), nil
}
