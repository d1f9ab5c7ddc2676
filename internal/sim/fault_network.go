package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
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

func plantOtherCluster(m *mesh, arg string) (Subject, error) {
	return m.misconfigure(arg, "clusterId", "east")
}

func plantOtherNetwork(m *mesh, arg string) (Subject, error) {
	return m.misconfigure(arg, "network", "net-east")
}

// misconfigure sets one value of a ztunnel's configuration; its pods stop calling.
func (m *mesh) misconfigure(arg, key, value string) (Subject, error) {
	z, err := m.pickZtunnel(arg)
	if err != nil {
		return Subject{}, err
	}
	z.settings = map[string]string{key: value}
	for _, p := range m.onNode(z.node) {
		p.mute = true
	}
	return z.subject(), nil
}

// watchRemote has istiods watch the remote cluster, and read it.
func (m *mesh) watchRemote() {
	for _, i := range m.istiods {
		if i.clusters == nil {
			i.clusters = map[string]string{}
		}
		i.clusters[remote] = cmp.Or(i.clusters[remote], "synced")
	}
}

// failRemote has one of the istiods that read the remote cluster not read it.
func (m *mesh) failRemote(status string) (*meshIstiod, error) {
	m.watchRemote()
	for _, i := range m.istiods {
		if i.clusters[remote] == "synced" {
			i.clusters[remote] = status
			return i, nil
		}
	}
	return nil, ErrNoSubject
}

func plantRemoteTimeout(m *mesh, _ string) (Subject, error) {
	i, err := m.failRemote("timeout")
	if err != nil {
		return Subject{}, err
	}
	i.lines = append(i.lines, record(m.started.Add(30*time.Second), "error", "kube", "remote cluster "+remote+" failed to sync after 30s", ""))
	return i.pod.subject(), nil
}

// joined is the network beside the world's own, as far as istiods join it to theirs.
type joined struct {
	multiNetwork bool // istiods do that
	apart        bool // a fault hangs on their not doing that
	gatewayless  bool // a fault hangs on there being no gateway
	pods         []*meshPod
}

// joinNetworks has istiods do multi-network.
func (m *mesh) joinNetworks() error {
	if m.remote.apart {
		return ErrNoSubject
	}
	if !m.remote.multiNetwork {
		m.remote.multiNetwork = true
		m.setIstiodEnv("AMBIENT_ENABLE_MULTI_NETWORK", "true")
	}
	return nil
}

// addRemotePods adds workloads of the other network, as istiod sends them where networks are joined.
func (m *mesh) addRemotePods() error {
	if err := m.joinNetworks(); err != nil || len(m.remote.pods) > 0 {
		return err
	}
	for i := range 3 {
		name := fmt.Sprintf("inventory-7d5b9c8f6-%s", nameSuffix("inventory", i))
		uid := remote + "//Pod/shop/" + name
		m.remote.pods = append(m.remote.pods, &meshPod{
			podModel: podModel{
				namespace: "shop", name: name, uid: string(stableUID("podless", uid)), ips: []string{fmt.Sprintf("10.200.0.%d", i+9)},
				serviceAccount: "inventory", ready: true,
			},
			app: "inventory", protocol: "HBONE", network: remote, onNode: &meshNode{}, inIstiod: true, mute: true, podless: true, uidAs: uid, port: 8080,
		})
	}
	m.pods = append(m.pods, m.remote.pods...)
	return nil
}

// addGateways adds ways into the other network that istiods know.
func (m *mesh) addGateways(addresses ...string) error {
	if m.remote.gatewayless {
		return ErrNoSubject
	}
	for _, address := range addresses {
		if !m.hasGateway(address) {
			m.gateways = append(m.gateways, networkGateway{Network: remote, Cluster: remote, Addr: address, Port: 15443, HBONEPort: istio.HBONEPort})
		}
	}
	return m.joinNetworks()
}

// hasGateway is true of one into the other network: at the address, or anywhere where that is "".
func (m *mesh) hasGateway(address string) bool {
	return slices.ContainsFunc(m.gateways, func(g networkGateway) bool { return g.Network == remote && (address == "" || g.Addr == address) })
}

func plantNoGateway(m *mesh, _ string) (Subject, error) {
	if m.hasGateway("") {
		return Subject{}, ErrNoSubject
	}
	m.remote.gatewayless = true
	for _, i := range m.istiods {
		i.lines = append(i.lines, record(m.now.Add(-5*time.Minute), "warn", "ambient", "No network gateway found for network "+remote, ""))
	}
	return Subject{Kind: "network", Name: remote}, m.addRemotePods()
}

// plantGatewayUnknown: where no gateway leads into the network at all, that is why.
func plantGatewayUnknown(m *mesh, arg string) (Subject, error) {
	src, err := m.pickPod(arg)
	if err != nil {
		return Subject{}, err
	}
	if err := m.addRemotePods(); err != nil {
		return Subject{}, err
	}
	if !m.remote.gatewayless {
		if err := m.addGateways(gatewayAddress); err != nil {
			return Subject{}, err
		}
	}
	s := m.addService("shop", "inventory", "inventory", 80, 8080)
	s.foreign = true
	for _, p := range m.remote.pods {
		m.join(s, p)
	}
	m.calls = append(m.calls, func(at time.Time) {
		src.onNode.ztunnel.note(access{
			at: at, src: src, srcAddr: m.socket(src), dstAddr: fmt.Sprintf("%s:%d", s.ips[0], s.port), service: s, err: "unknown network gateway: " + remote, flag: "-",
		})
	})
	return Subject{Kind: "service", Namespace: s.namespace, Name: s.name}, nil
}

// plantTrustDomain moves the mesh to a version that makes the identities of gateways with the default trust domain.
func plantTrustDomain(m *mesh, arg string) (Subject, error) {
	for _, n := range m.nodes {
		if n.ztunnel != nil && len(n.ztunnel.certs) > 0 {
			return Subject{}, ErrNoSubject // what was planted on an identity names it as it was
		}
	}
	if err := m.downgrade("1.28.0"); err != nil {
		return Subject{}, err
	}
	m.rename(cmp.Or(arg, "corp.example"))
	if err := m.addRemotePods(); err != nil {
		return Subject{}, err
	}
	return Subject{Kind: "component", Name: "istiod " + m.version}, m.addGateways(gatewayAddress)
}

// rename gives the mesh another trust domain.
func (m *mesh) rename(trustDomain string) {
	for _, p := range m.policies {
		for i, principal := range p.principals {
			p.principals[i] = strings.Replace(principal, m.trustDomain+"/", trustDomain+"/", 1)
		}
	}
	m.trustDomain = trustDomain
	m.settleCluster()
}

func plantTwoGateways(m *mesh, _ string) (Subject, error) {
	if err := m.addRemotePods(); err != nil {
		return Subject{}, err
	}
	if err := m.addGateways(gatewayAddress, "198.51.100.8"); err != nil {
		return Subject{}, err
	}
	i := m.istiods[0]
	i.lines = append(i.lines, record(m.now.Add(-5*time.Minute), "warn", "ambient", "Multiple gateways found for network "+remote+", using the first one", ""))
	return i.pod.subject(), nil
}

// setIstiodEnv sets a variable on every istiod.
func (m *mesh) setIstiodEnv(name, value string) {
	for _, i := range m.istiods {
		i.pod.container.env = append(i.pod.container.env, corev1.EnvVar{Name: name, Value: value})
	}
}

func plantFlagDisabled(m *mesh, _ string) (Subject, error) {
	if m.remote.multiNetwork {
		return Subject{}, ErrNoSubject
	}
	m.remote.apart = true
	var of *meshService
	for _, s := range m.services {
		if len(s.pods) > 0 && s.pods[0].mesh && !s.pods[0].native {
			of = s
			break
		}
	}
	if of == nil {
		return Subject{}, ErrNoSubject
	}
	m.amend = append(m.amend, func(o stored) {
		if s, ok := o.object.(*corev1.Service); ok && s.Namespace == of.namespace && s.Name == of.name {
			s.Labels = merged(s.Labels, map[string]string{istio.GlobalLabel: "true"})
		}
	})
	return m.istiods[0].pod.subject(), nil
}

func plantNotGlobal(m *mesh, _ string) (Subject, error) {
	if err := m.addGateways(gatewayAddress); err != nil {
		return Subject{}, err
	}
	m.watchRemote()
	return Subject{Kind: "mesh", Name: contextName}, nil
}

func plantEarlyServe(m *mesh, _ string) (Subject, error) {
	i, err := m.failRemote("syncing")
	if err != nil {
		return Subject{}, err
	}
	i.pod.container.started = m.now.Add(-100 * time.Second).Truncate(time.Second)
	return i.pod.subject(), nil
}
