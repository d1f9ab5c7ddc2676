package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// targetServer is the one HTTP server behind all pods' ports. A port-forward hands it one end of
// a connection together with the handler that it is meant for.
type targetServer struct {
	server  *http.Server
	breaker *breaker
	pending chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// target is a pod's port with what answers there.
type target struct {
	pod     string // NAMESPACE/NAME
	number  int32
	handler http.Handler
}

func targetOf(p *podBackend, number int32, port port) target {
	return target{pod: podKey(p.namespace, p.name), number: number, handler: port.handler}
}

func (t target) String() string { return fmt.Sprintf("%s:%d", t.pod, t.number) }

// targetConn is a connection that knows which pod port it was dialled to.
type targetConn struct {
	net.Conn
	target
}

type targetKey struct{}

func newTargetServer(now func() time.Time, b *breaker, observe func(Request)) *targetServer {
	t := &targetServer{breaker: b, pending: make(chan net.Conn), closed: make(chan struct{})}
	t.server = &http.Server{
		ErrorLog: discardLog(),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, targetKey{}, c)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, ok := r.Context().Value(targetKey{}).(*targetConn)
			if !ok {
				http.Error(w, "no target", http.StatusBadGateway)
				return
			}
			observe(Request{Target: conn.target.String(), Method: r.Method, Path: r.URL.RequestURI()})
			w.Header().Set("Date", now().Add(b.ahead(conn.pod)).UTC().Format(http.TimeFormat))
			t.answer(conn.target, w, r)
		}),
	}
	return t
}

// answer lets the port's handler answer, unless that is broken.
func (t *targetServer) answer(to target, w http.ResponseWriter, r *http.Request) {
	if part := t.breaker.ofTarget(to.pod, to.number, r.URL.Path); part != "" {
		t.breaker.answer(part, w, r, to.handler)
		return
	}
	to.handler.ServeHTTP(w, r)
}

func (t *targetServer) serve() { t.server.Serve(t) }

func (t *targetServer) close() error { return t.server.Close() }

// Accept, Close and Addr make the targetServer its own listener.
func (t *targetServer) Accept() (net.Conn, error) {
	select {
	case conn := <-t.pending:
		return conn, nil
	case <-t.closed:
		return nil, net.ErrClosed
	}
}

func (t *targetServer) Close() error {
	t.once.Do(func() { close(t.closed) })
	return nil
}

func (t *targetServer) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// connect joins stream with the port's handler and returns when either side is through.
func (t *targetServer) connect(to target, stream io.ReadWriteCloser) error {
	near, far, err := connPair()
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", to, err)
	}
	defer near.Close()
	select {
	case t.pending <- &targetConn{Conn: far, target: to}:
	case <-t.closed:
		far.Close()
		return net.ErrClosed
	}
	var sent sync.WaitGroup
	sent.Go(func() {
		io.Copy(near, stream)
		near.CloseWrite()
	})
	_, err = io.Copy(stream, near)
	stream.Close()
	sent.Wait()
	return err
}

// connPair gives both ends of a TCP connection over loopback: unlike a pipe it can be closed in
// one direction, as clients do that have sent all they had.
func connPair() (near, far *net.TCPConn, err error) {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	near, err = net.DialTCP("tcp", nil, ln.Addr().(*net.TCPAddr))
	if err != nil {
		return nil, nil, err
	}
	for {
		far, err = ln.AcceptTCP()
		if err != nil {
			return nil, nil, errors.Join(err, near.Close())
		}
		if far.RemoteAddr().String() == near.LocalAddr().String() {
			return near, far, nil
		}
		far.Close()
	}
}
