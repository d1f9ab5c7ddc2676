package mesh

import (
	"slices"
	"strings"
)

// JoinClusters ties together the clusters of one mesh, each of which has been
// joined by itself: what one holds of another's workloads is tied to these,
// and what leaves a network to the gateway that it goes through. One cluster
// alone stays as it is.
func JoinClusters(all []*Mesh) {
	if len(all) < 2 {
		return
	}
	gateways := map[string]*Waypoint{}
	for _, m := range all {
		m.nameItems()
		for _, w := range m.Waypoints {
			for _, address := range w.Addresses {
				gateways[address] = w
			}
		}
		for _, peer := range all {
			if peer != m {
				m.Peers = append(m.Peers, peer)
			}
		}
	}
	for _, m := range all {
		m.joinRemote(gateways)
	}
}

// Clusters are the mesh's own cluster and its peers.
func (m *Mesh) Clusters() []*Mesh { return append([]*Mesh{m}, m.Peers...) }

// nameItems tells all that findings name, and that other clusters can lead
// to, which cluster it is of.
func (m *Mesh) nameItems() {
	for _, i := range m.Namespaces {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Nodes {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Pods {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Services {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Workloads {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Policies {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Ztunnels {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Istiods {
		i.Cluster = m.Cluster
	}
	for _, i := range m.CNIs {
		i.Cluster = m.Cluster
	}
	for _, i := range m.Waypoints {
		i.Cluster = m.Cluster
	}
}

// joinRemote finds the other clusters' workloads in their own clusters.
func (m *Mesh) joinRemote(gateways map[string]*Waypoint) {
	for _, w := range m.Workloads {
		if w.Spec != nil && w.Spec.NetworkGateway != "" {
			_, address, _ := strings.Cut(w.Spec.NetworkGateway, "/")
			w.Gateway = gateways[address]
		}
		if w.Local {
			continue
		}
		at := slices.IndexFunc(m.Peers, func(p *Mesh) bool { return strings.HasPrefix(w.UID, p.ClusterID+"/") })
		if at >= 0 {
			w.Home = m.Peers[at].index.workloads[w.UID]
		}
	}
	for _, f := range m.Flows {
		m.remotePeer(f.Source)
		m.remotePeer(f.Destination)
	}
}

// remotePeer finds a peer that this cluster has no pod of, and another has.
func (m *Mesh) remotePeer(p *Peer) {
	if !p.Gone {
		return
	}
	for _, peer := range m.Peers {
		pod := peer.index.podByName[p.Namespace+"/"+p.Name]
		if pod == nil {
			continue
		}
		p.Gone, p.Remote, p.Pod, p.Workload, p.Ztunnel, p.Identity = false, true, pod, pod.Workload, pod.Ztunnel, pod.Identity
		p.Captured = pod.InPod != nil && pod.InPod.State == "Up"
		if w := pod.Workload; w != nil {
			p.HBONE = w.HBONE
		}
		return
	}
}
