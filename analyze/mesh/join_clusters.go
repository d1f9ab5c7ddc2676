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
		nameItems(m)
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
		joinRemote(m, gateways)
	}
}

// Clusters are the mesh's own cluster and its peers.
func (m *Mesh) Clusters() []*Mesh { return append([]*Mesh{m}, m.Peers...) }

// nameItems tells all that findings name, and that other clusters can lead
// to, which cluster it is of.
func nameItems(m *Mesh) {
	nameAll(m.Cluster, m.Namespaces, func(i *Namespace) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Nodes, func(i *Node) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Pods, func(i *Pod) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Services, func(i *Service) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Workloads, func(i *Workload) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Policies, func(i *Policy) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Ztunnels, func(i *Ztunnel) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Istiods, func(i *Istiod) *string { return &i.Cluster })
	nameAll(m.Cluster, m.CNIs, func(i *CNI) *string { return &i.Cluster })
	nameAll(m.Cluster, m.Waypoints, func(i *Waypoint) *string { return &i.Cluster })
}

func nameAll[T any](cluster string, items []T, field func(T) *string) {
	for _, i := range items {
		*field(i) = cluster
	}
}

// joinRemote finds the other clusters' workloads in their own clusters.
func joinRemote(m *Mesh, gateways map[string]*Waypoint) {
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
		remotePeer(m, f.Source)
		remotePeer(m, f.Destination)
	}
}

// remotePeer finds a peer that this cluster has no pod of, and another has.
func remotePeer(m *Mesh, p *Peer) {
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
