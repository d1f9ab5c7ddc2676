// Package sim serves a simulated Istio ambient cluster on loopback, in one process.
//
// It speaks the protocols of a real one, so that client-go, kubectl and istioctl work against it: TLS
// with client certificates here, and Kubernetes' own in internal/kubeapi.
//
// What it serves comes from one of two sources: a recorded world, replayed as it was recorded
// (Options.Replay), or a generated one, invented from a seed in the shapes of the recordings
// (Options.Generate), with faults planted on demand.
//
// The files are named for what they hold: generate*.go and mesh*.go make and hold the mesh, ztunnel*.go,
// istiod.go, cni.go and waypoint.go are what its components answer, traffic*.go what they have logged
// and counted; fault_*.go are the faults, each a row of a table with what it is planted on (fault_on.go,
// fault_pick.go); trap_*.go their healthy look-alikes; replay*.go the recorded worlds; frontend.go and
// breakage*.go stand before the API server and break answers.
package sim
