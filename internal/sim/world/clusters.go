package world

import (
	"fmt"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// Peer is another cluster of the same mesh, as the invented one knows it: the
// one that the same values invent under its own id.
type Peer struct {
	ClusterID string
	Network   string // "" for the same network
	Gateway   string // address by which its network is reached
}

// ParsePeer reads "ID", or "ID=NETWORK/GATEWAY" for a cluster on a network of its own.
func ParsePeer(text string) (Peer, error) {
	id, rest, own := strings.Cut(text, "=")
	network, gateway, ok := strings.Cut(rest, "/")
	if id == "" || own && (!ok || network == "" || gateway == "") {
		return Peer{}, fmt.Errorf("%q is no peer: want ID, or ID=NETWORK/GATEWAY", text)
	}
	return Peer{ClusterID: id, Network: network, Gateway: gateway}, nil
}

// addPeers adds what istiod knows of the other clusters: their captured pods.
func (m *Mesh) addPeers(g *Generate) error {
	for _, peer := range g.Peers {
		alone := *g
		alone.Peers, alone.Faults, alone.ClusterID, alone.Network = nil, nil, peer.ClusterID, peer.Network
		other, err := NewMesh(&alone, m.Now)
		if err != nil {
			return fmt.Errorf("the cluster %s: %w", peer.ClusterID, err)
		}
		if peer.Gateway != "" {
			m.Gateways = append(m.Gateways, NetworkGateway{Network: peer.Network, Cluster: peer.ClusterID, Addr: peer.Gateway, Port: 15443, HBONEPort: istio.HBONEPort})
		}
		for _, p := range other.Members() {
			p.UIDAs, p.cluster, p.Network = p.uidWDS(), peer.ClusterID, peer.Network
			if peer.Network != g.Network && peer.Gateway != "" {
				p.gateway = peer.Network + "/" + peer.Gateway
			}
			p.UID = string(StableUID("peer", p.UIDAs))
			p.Podless, p.Mute, p.Proxy, p.OnNode = true, true, ProxyAbsent, &Node{}
			p.Services, p.Policies, p.Bound = nil, nil, nil
			m.Pods = append(m.Pods, p)
		}
	}
	return nil
}

// SettleCluster gives every pod of the mesh's own the cluster and network that it is in, and all the mesh's trust domain.
func (m *Mesh) SettleCluster() {
	for _, p := range m.Pods {
		p.domain = m.TrustDomain
		if p.cluster == "" {
			p.cluster = m.clusterID
			if p.Network == "" {
				p.Network = m.network
			}
		}
		for i := range p.Container.Env {
			if e := &p.Container.Env[i]; e.Name == "CLUSTER_ID" {
				e.Value = m.clusterID
			}
		}
	}
}
