package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/sim"
)

// TestClustersAreReadAsOneMesh collects two clusters that share a root and
// know each other's workloads.
func TestClustersAreReadAsOneMesh(t *testing.T) {
	now := time.Now()
	var clusters []collect.Cluster
	for _, ids := range [][2]string{{"east", "west"}, {"west", "east"}} {
		g := &sim.Generate{
			Nodes: 2, Workloads: 12, Seed: 1, Version: "1.30.3", Now: now, ClusterID: ids[0], Network: ids[0] + "-net",
			Peers: []sim.Peer{{ClusterID: ids[1], Network: ids[1] + "-net", Gateway: "203.0.113.7"}},
		}
		c, err := sim.Start(t.Context(), sim.Options{Generate: g, Context: ids[0]})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clusters = append(clusters, collect.Cluster{Context: ids[0], Config: c.RESTConfig()})
	}
	name := filepath.Join(t.TempDir(), "mesh.tgz")
	if _, err := collect.Run(t.Context(), clusters, collect.Options{Output: name, MetricsInterval: time.Millisecond}, collect.Quiet{}); err != nil {
		t.Fatal(err)
	}
	r, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	east, _, err := load.Mesh(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(east.Peers) != 1 || east.Cluster != "east" || east.ClusterID != "east" || east.Peers[0].Network != "west-net" {
		t.Fatalf("%s %s with %d peers", east.Cluster, east.ClusterID, len(east.Peers))
	}
	west := east.Peers[0]
	if len(east.Roots) != 1 || len(west.Roots) != 1 || east.Roots[0].Fingerprint != west.Roots[0].Fingerprint {
		t.Errorf("roots %v and %v", east.Roots, west.Roots)
	}
	remote := 0
	for _, w := range east.Workloads {
		if !strings.HasPrefix(w.UID, "west//") {
			continue
		}
		remote++
		if w.Local || w.Home == nil || w.Home.Cluster != "west" || w.Home.Pod == nil || w.Spec.NetworkGateway != "west-net/203.0.113.7" {
			t.Errorf("%s: %+v", w.UID, w)
		}
	}
	if remote == 0 {
		t.Error("no workload of the other cluster is known")
	}
}
