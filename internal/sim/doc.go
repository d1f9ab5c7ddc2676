// Package sim serves a simulated Istio ambient cluster on loopback, in one process.
//
// It speaks the protocols of a real one, so that client-go, kubectl and istioctl work against it: TLS
// with client certificates here, and Kubernetes' own in internal/kubeapi.
//
// What it serves comes from one of two sources: a recorded world, replayed as it was recorded
// (Options.Replay), or a generated one, invented from a seed in the shapes of the recordings
// (Options.Generate), with faults planted on demand.
//
// It is the front of its rooms, and stands before the API server: frontend.go tells of requests and
// restarts pods, breakage*.go break answers. The rooms are world, the mesh and what its parts serve;
// fault, what can be planted in it; trap, the healthy look-alikes of faults; plant, what both are
// planted on; and replay, the recorded worlds.
package sim
