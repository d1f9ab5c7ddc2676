package kubeapi

import "net/http"

// Pods are the pods whose logs and ports a Server serves.
type Pods interface {
	Pod(namespace, name string) (Pod, bool)
}

// Pod is what answers for one pod: its logs and its listening ports.
type Pod struct {
	Namespace, Name, UID, IP string
	// Containers are the names of the pod's containers, in order.
	Containers []string
	// Log gives the output of a container as it stands, or of its previous instance;
	// ok is false where there is no such instance.
	Log   func(container string, previous bool) (text Log, ok bool)
	Ports map[int32]Port
	// KubeletError is why the kubelet of the pod's node can't be reached, for logs and
	// port-forwards, in the API server's words; "" where it can.
	KubeletError string
	// Unreachable is true of a pod whose address does not answer the pod proxy.
	Unreachable bool
}

// Port is one listening port of a pod.
type Port struct {
	Handler http.Handler
	// Loopback is true for a port that port-forward reaches and pod proxy doesn't.
	Loopback bool
}
