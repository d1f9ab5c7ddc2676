package mesh_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// cluster is a cluster with one node and one pod, that knows a pod of another
// cluster on another network.
func cluster(id, other, gateway string) *mesh.Mesh {
	pod := &mesh.Pod{Namespace: "shop", Name: "web-" + id, UID: id, NodeName: "n", Phase: "Running", ServiceAccount: "web", IPs: []string{"10.0.0.1"}}
	spec := func(id, through string) *mesh.WorkloadSpec {
		return &mesh.WorkloadSpec{
			UID: id + "//Pod/shop/web-" + id, Namespace: "shop", Name: "web-" + id, Node: "n", ClusterID: id, Network: id,
			Addresses: []string{"10.0.0.1"}, Protocol: "HBONE", ServiceAccount: "web", NetworkGateway: through,
		}
	}
	own, remote := spec(id, ""), spec(other, other+"/"+gateway)
	z := &mesh.Ztunnel{
		Name: "z", NodeName: "n", ClusterID: id, Network: id, HasDump: true,
		Workloads: &mesh.WorkloadSet{Specs: map[string]*mesh.WorkloadSpec{own.UID: own, remote.UID: remote}},
	}
	m := &mesh.Mesh{
		Cluster: "context-" + id, Nodes: []*mesh.Node{{Name: "n"}}, Pods: []*mesh.Pod{pod}, Ztunnels: []*mesh.Ztunnel{z},
		Waypoints: []*mesh.Waypoint{{Namespace: "istio-system", Name: "eastwest", Class: "istio-east-west", Addresses: []string{"gw-" + id}}},
		Observations: []*mesh.Observation{{
			Ztunnel: z, Origin: "access-log", HBONE: true, Source: mesh.Name{Namespace: "shop", Name: "web-" + id},
			Dest: mesh.Name{Namespace: "shop", Name: "web-" + other}, SourceIP: "10.0.0.1", DestIP: "10.0.0.1", Count: 1,
		}},
	}
	m.Join()
	return m
}

func TestClustersOfOneMeshLeadToEachOther(t *testing.T) {
	east, west := cluster("east", "west", "gw-west"), cluster("west", "east", "gw-east")
	mesh.JoinClusters([]*mesh.Mesh{east, west})
	if len(east.Peers) != 1 || east.Peers[0] != west || east.Network != "east" {
		t.Fatalf("peers %v, network %q", east.Peers, east.Network)
	}
	for _, w := range east.Workloads {
		if w.Local {
			if w.Home != nil || w.Gateway != nil {
				t.Errorf("%s is at home here, and leads to %v by %v", w.UID, w.Home, w.Gateway)
			}
			continue
		}
		if w.Home == nil || w.Home.Pod != west.Pods[0] || w.Gateway != west.Waypoints[0] {
			t.Errorf("%s leads to %v by %v", w.UID, w.Home, w.Gateway)
		}
	}
	f := east.Flows[0]
	if f.Source.Remote || !f.Destination.Remote || f.Destination.Gone || f.Destination.Pod != west.Pods[0] {
		t.Errorf("a flow leads from %+v to %+v", f.Source, f.Destination)
	}
	want := mesh.Subject{Kind: "pod", Cluster: "context-west", Namespace: "shop", Name: "web-west", Node: "n"}
	if diff := cmp.Diff(want, f.Destination.Subject()); diff != "" {
		t.Errorf("its subject (-want +got):\n%s", diff)
	}
}

func TestOneClusterAloneHasNoName(t *testing.T) {
	m := cluster("east", "west", "gw-west")
	mesh.JoinClusters([]*mesh.Mesh{m})
	if len(m.Peers) > 0 || m.Pods[0].Cluster != "" || m.Pods[0].Subject().Cluster != "" {
		t.Errorf("peers %v, pod of cluster %q", m.Peers, m.Pods[0].Cluster)
	}
}
