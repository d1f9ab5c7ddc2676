// Package kubeapi serves a Kubernetes API server's read side, over any store of objects and any pods.
//
// A Server answers discovery (plain and aggregated), objects, lists with selectors, paging and
// metadata only, access reviews, pod logs, pod proxy and port-forward (SPDY, WebSocket channels, and
// SPDY tunnelled through a WebSocket, by the upstream kubelet's streaming library), so that
// client-go, kubectl and istioctl work against it. What it serves comes through two interfaces,
// Objects and Pods; Store is an Objects in memory. Nothing can be written.
package kubeapi
