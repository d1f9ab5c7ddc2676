package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/portforward"
)

// breakDumps gives a ztunnel's admin port to another server until the test ends.
func (w *world) breakDumps(t *testing.T, z *standIn, answer http.HandlerFunc) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config_dump", answer)
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	t.Cleanup(server.CloseClientConnections)
	before := w.retarget(t, z.pod, portOf(t, server.Listener.Addr()))
	w.awaitAdmin(t, z.pod, http.StatusOK)
	t.Cleanup(func() {
		w.retarget(t, z.pod, before)
		w.awaitAdmin(t, z.pod, http.StatusNotFound)
	})
}

// retarget sends a ztunnel's admin port elsewhere, and tells where it went before.
func (w *world) retarget(t *testing.T, pod *corev1.Pod, port int) (before int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // at a test's end, too
	resource := w.dynamic.Resource(portForwards).Namespace(pod.Namespace)
	u := must[*unstructured.Unstructured](t)(resource.Get(ctx, pod.Name, metav1.GetOptions{}))
	forwards, _, err := unstructured.NestedSlice(u.Object, "spec", "forwards")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forwards {
		f := f.(map[string]any)
		if target := f["target"].(map[string]any); slices.Contains(f["ports"].([]any), any(int64(15000))) {
			before, target["port"] = int(target["port"].(int64)), int64(port)
		}
	}
	if err := unstructured.SetNestedSlice(u.Object, forwards, "spec", "forwards"); err != nil {
		t.Fatal(err)
	}
	must[*unstructured.Unstructured](t)(resource.Update(ctx, u, metav1.UpdateOptions{}))
	return before
}

// awaitAdmin waits until the kubelet sends a pod's admin port to a server that
// answers so where a broken one says OK.
func (w *world) awaitAdmin(t *testing.T, pod *corev1.Pod, status int) {
	t.Helper()
	await(t, "the kubelet's way to "+pod.Name, time.Minute, func(ctx context.Context) error {
		got, err := w.askAdmin(ctx, pod)
		if err == nil && got != status {
			err = fmt.Errorf("it answers %d", got)
		}
		return err
	})
}

// askAdmin asks a pod's admin port through port-forward whether it is broken.
func (w *world) askAdmin(ctx context.Context, pod *corev1.Pod) (int, error) {
	u := w.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer, err := portforward.NewSPDYOverWebsocketDialer(u, w.config)
	if err != nil {
		return 0, err
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.New(dialer, []string{"0:15000"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return 0, err
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	defer func() {
		close(stop)
		<-ended
	}()
	select {
	case err := <-ended:
		ended <- err
		return 0, errors.Join(errors.New("port-forward ended"), err)
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, local(int(ports[0].Local))+"/broken", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// killKubelet makes a node's kubelet one that nobody answers for, until the test ends.
func (w *world) killKubelet(t *testing.T, node string) {
	t.Helper()
	nodes := w.client.CoreV1().Nodes()
	set := func(port int32) (before int32) {
		ctx := context.WithoutCancel(t.Context())
		await(t, "the status of "+node, time.Minute, func(context.Context) error { // kwok writes it as well
			n, err := nodes.Get(ctx, node, metav1.GetOptions{})
			if err != nil {
				return err
			}
			endpoint := &n.Status.DaemonEndpoints.KubeletEndpoint
			before, endpoint.Port = endpoint.Port, port
			_, err = nodes.UpdateStatus(ctx, n, metav1.UpdateOptions{})
			return err
		})
		return before
	}
	before := set(int32(port(t)))
	t.Cleanup(func() { set(before) })
}

// restart kills a part and runs it again, as it was run before.
func (p *process) restart(t *testing.T) {
	t.Helper()
	p.stop()
	again := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	again.Env, again.Stdout, again.Stderr, again.SysProcAttr = p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr
	p.cmd = again
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s again: %v", p.name, err)
	}
}
