package kubeapi

import (
	"context"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
)

// The kubelet's own defaults, k8s.io/kubernetes/pkg/kubelet/apis/config/v1beta1/defaults.go.
const (
	streamIdleTimeout     = 4 * time.Hour
	streamCreationTimeout = 30 * time.Second
)

// servePortForward serves pods/portforward over SPDY, over the kubelet's WebSocket channels, and
// over SPDY tunnelled through a WebSocket, as API servers from 1.30 offer it.
func (q request) servePortForward(a Attributes) {
	pod, ok := q.reachable(a)
	if !ok {
		return
	}
	w, r := q.w, q.r
	options, err := portforward.NewV4Options(r)
	if tunnelled(r) {
		w, r, err = upgradeTunnel(w, r)
		options = &portforward.V4Options{}
	}
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	portforward.ServePortForward(w, r, podForwarder{pod, q.forwards}, a.Name, pod.UID, options,
		streamIdleTimeout, streamCreationTimeout, portforward.SupportedProtocols)
}

// podForwarder dials a pod's ports for the kubelet's streaming library.
type podForwarder struct {
	pod      Pod
	forwards *forwardServer
}

// PortForward implements portforward.PortForwarder. The error text is the one that kubelets give.
func (f podForwarder) PortForward(ctx context.Context, name, uid string, number int32, stream io.ReadWriteCloser) error {
	p, ok := f.pod.Ports[number]
	if !ok {
		namespace := "/var/run/netns/cni-" + f.pod.UID
		return fmt.Errorf("failed to execute portforward in network namespace %q: failed to connect to localhost:%d "+
			"inside namespace %q, IPv4: dial tcp4 127.0.0.1:%d: connect: connection refused IPv6 dial tcp6: "+
			"address localhost: no suitable address found ", namespace, number, namespace, number)
	}
	return f.forwards.connect(p.Handler, stream)
}
