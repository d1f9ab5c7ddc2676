// Package sim serves a simulated Istio ambient cluster on loopback, in one process.
//
// It speaks the protocols of a real one: TLS with client certificates, Kubernetes REST (discovery,
// paged lists, selectors, access reviews, pod logs, pod proxy) and port-forward served by the
// upstream kubelet streaming library, so that client-go, kubectl and istioctl work against it.
//
// What it serves comes from one of two sources: a recorded world, replayed as it was recorded
// (Options.Replay), or a generated one, invented from a seed in the shapes of the recordings
// (Options.Generate), with faults planted on demand.
package sim
