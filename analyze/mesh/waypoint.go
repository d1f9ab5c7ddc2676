package mesh

import "time"

// Waypoint is a waypoint or gateway: its Gateway object and its pods.
type Waypoint struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string    `expr:"cluster"`
	Created   time.Time `expr:"created"`
	Namespace string    `expr:"namespace"`
	Name      string    `expr:"name"`
	Class     string    `expr:"class"`
	// Kind is "waypoint" or "gateway".
	Kind string `expr:"kind"`
	// TrafficType is label istio.io/waypoint-for of it or its class: "service"
	// (the default), "workload", "all" or "none".
	TrafficType string      `expr:"trafficType"`
	Listeners   []*Listener `expr:"listeners"`
	// ClassKnown is true where its GatewayClass exists.
	ClassKnown bool `expr:"classKnown"`
	// Version is that of its connected proxies, as istiod tells; "" where none is connected.
	Version    string   `expr:"version"`
	Programmed bool     `expr:"programmed"`
	Addresses  []string `expr:"addresses"`
	Pods       []*Pod   `expr:"pods"`
	ReadyPods  int      `expr:"readyPods"`
	// Replicas is the Deployment's spec.replicas, -1 where it is not known.
	Replicas int `expr:"replicas"`
	// InUse is true where ztunnels send traffic of some service or workload to it.
	InUse      bool                 `expr:"inUse"`
	AgeSeconds float64              `expr:"ageSeconds"`
	Conditions map[string]Condition `expr:"conditions"`
	Source     Evidence
}

// Listener is one listener of a Gateway.
type Listener struct {
	Name     string `expr:"name"`
	Port     int    `expr:"port"`
	Protocol string `expr:"protocol"`
}

func (w *Waypoint) Subject() Subject {
	return Subject{Kind: "gateway", Namespace: w.Namespace, Name: w.Name, Cluster: w.Cluster}
}

func (w *Waypoint) Refs() []string {
	keys := []string{w.Subject().Key()}
	keys = append(keys, keysOf(w.Pods)...)
	return refs(keys...)
}

func (w *Waypoint) Evidence() []Evidence    { return evidence(w.Source) }
func (w *Waypoint) Gap(string) (*Gap, bool) { return nil, false }
