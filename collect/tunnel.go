package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	//lint:ignore SA1019 client-go's port-forward dialers still give these types
	"k8s.io/apimachinery/pkg/util/httpstream"
	streaming "k8s.io/streaming/pkg/httpstream"
)

// tunnel is one port-forward connection to a pod; every dial through it is a
// pair of streams, so that all of a pod's requests share one connection.
type tunnel struct {
	conn httpstream.Connection
	mu   sync.Mutex
	next int
}

// openTunnel connects to a pod. The library's dial knows no context, so a dial
// that hangs is left to end by itself.
func (a *api) openTunnel(ctx context.Context, idleTimeout time.Duration, namespace, pod string) (*tunnel, error) {
	if err := a.admit(ctx); err != nil {
		return nil, err
	}
	a.cost.requests.Add(1)
	type result struct {
		conn httpstream.Connection
		err  error
	}
	ctx, cancel := context.WithTimeoutCause(ctx, idleTimeout, &silenceError{fmt.Sprintf("no connection within %s", idleTimeout)})
	defer cancel()
	done := make(chan result, 1)
	go func() {
		conn, err := a.dialPod(namespace, pod)
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, a.absence.met(fmt.Errorf("port-forward to pod %s/%s: %w", namespace, pod, r.err))
		}
		a.absence.answered()
		return &tunnel{conn: r.conn}, nil
	case <-ctx.Done():
		go func() {
			if r := <-done; r.conn != nil {
				_ = r.conn.Close() // nobody waits for it any more
			}
		}()
		return nil, fmt.Errorf("port-forward to pod %s/%s: %w", namespace, pod, context.Cause(ctx))
	}
}

// dialPod connects over WebSocket, else over SPDY: below Kubernetes 1.35 and in
// some settings above it, a WebSocket asks for the right to get
// pods/portforward, SPDY for the usual one to create it.
func (a *api) dialPod(namespace, pod string) (httpstream.Connection, error) {
	u := a.url(fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/portforward", namespace, pod), nil)
	webSocket, err := portforward.NewSPDYOverWebsocketDialer(u, a.config)
	if err != nil {
		return nil, fmt.Errorf("set up port-forward: %w", err)
	}
	conn, _, err := webSocket.Dial(portforward.PortForwardProtocolV1Name)
	if streaming.IsUpgradeFailure(err) || streaming.IsHTTPSProxyError(err) {
		return a.dialSPDY(u)
	}
	return conn, err
}

// dialSPDY does as client-go's dialer, whose errors have no types.
func (a *api) dialSPDY(u *url.URL) (httpstream.Connection, error) {
	transport, upgrader, err := spdy.RoundTripperFor(a.config)
	if err != nil {
		return nil, fmt.Errorf("set up port-forward: %w", err)
	}
	req, err := http.NewRequest(http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(httpstream.HeaderProtocolVersion, portforward.PortForwardProtocolV1Name)
	resp, err := (&http.Client{Transport: transport, CheckRedirect: refuseRedirect}).Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, &tunnelRefusedError{readAPIError(resp)}
	}
	return upgrader.NewConnection(resp)
}

// tunnelRefusedError is an API server's answer to port-forward other than a
// connection: it is there, and its way to the pod is not.
type tunnelRefusedError struct{ *apiError }

func (e *tunnelRefusedError) Unwrap() error { return e.apiError }

// errTunnel is returned for streams of a connection that was cut.
var errTunnel = errors.New("lost connection to the pod")

// dial opens a connection to a port inside the pod. The library knows no
// context, and waits half a minute for an answer even where the connection is
// cut: then its streams are left to end by themselves.
func (t *tunnel) dial(ctx context.Context, port int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		conn, err := t.streams(port)
		done <- result{conn, err}
	}()
	err := errTunnel
	select {
	case r := <-done:
		return r.conn, r.err
	case <-t.conn.CloseChan(): // that is all that tells a cut connection: the library's errors have no types
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	go func() {
		if r := <-done; r.conn != nil {
			_ = r.conn.Close() // nobody waits for it any more
		}
	}()
	return nil, fmt.Errorf("open a stream to port %d: %w", port, err)
}

// streams are the pair that carries one connection.
func (t *tunnel) streams(port int) (net.Conn, error) {
	t.mu.Lock()
	id := strconv.Itoa(t.next)
	t.next++
	t.mu.Unlock()
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, id)
	errorStream, err := t.conn.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("open a stream to port %d: %w", port, err)
	}
	// Nothing is ever written to it.
	_ = errorStream.Close()
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := t.conn.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("open a stream to port %d: %w", port, err)
	}
	c := &streamConn{Stream: data, port: port, refused: make(chan error, 1)}
	go c.watch(errorStream)
	return c, nil
}

func (t *tunnel) Close() error { return t.conn.Close() }

// streamConn is a port-forward stream as a connection. What the kubelet says
// on the error stream, such as a refused connection, is the error of reading.
type streamConn struct {
	httpstream.Stream
	port    int
	refused chan error
	read    bool // something came
}

// refusalWait is how long an empty end is held back for the reason of it,
// which comes on the other stream.
const refusalWait = 500 * time.Millisecond

// watch ends when the error stream does, with the connection at the latest.
func (c *streamConn) watch(errorStream httpstream.Stream) {
	message, err := io.ReadAll(io.LimitReader(errorStream, 4<<10))
	if err == nil && len(message) > 0 {
		c.refused <- fmt.Errorf("port %d inside the pod: %s", c.port, oneLine(refusal(string(message)), 200))
		_ = c.Reset() // wakes the reader
		return
	}
	close(c.refused)
}

// refusal is the telling end of a kubelet's message, which names the pod and
// its network namespace first.
func refusal(s string) string {
	if strings.Contains(s, "connection refused") {
		return "connection refused: nothing listens there"
	}
	if i := strings.LastIndex(s, ", err: "); i >= 0 {
		return s[i+len(", err: "):]
	}
	return s
}

func (c *streamConn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	c.read = c.read || n > 0
	if err == nil || c.read {
		return n, err
	}
	wait := time.NewTimer(refusalWait)
	defer wait.Stop()
	select {
	case refused, ok := <-c.refused:
		if ok {
			return n, refused
		}
	case <-wait.C:
	}
	return n, err
}

func (c *streamConn) Close() error {
	// A reset frees both ends even where the other side never reads.
	return errors.Join(c.Stream.Close(), c.Reset())
}

func (c *streamConn) LocalAddr() net.Addr              { return streamAddr{} }
func (c *streamConn) RemoteAddr() net.Addr             { return streamAddr{} }
func (c *streamConn) SetDeadline(time.Time) error      { return nil } // requests have contexts
func (c *streamConn) SetReadDeadline(time.Time) error  { return nil }
func (c *streamConn) SetWriteDeadline(time.Time) error { return nil }

type streamAddr struct{}

func (streamAddr) Network() string { return "port-forward" }
func (streamAddr) String() string  { return "pod" }
