package kubeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// forwardServer is the one HTTP server behind all pods' ports. A port-forward hands it one end of
// a connection together with the handler that it is meant for.
type forwardServer struct {
	server  *http.Server
	pending chan net.Conn
	closed  chan struct{}
	once    sync.Once
	done    sync.WaitGroup
}

// forwardedConn is a connection that knows which handler it was dialled to.
type forwardedConn struct {
	net.Conn
	handler http.Handler
}

type forwardedKey struct{}

func startForwardServer() *forwardServer {
	f := &forwardServer{pending: make(chan net.Conn), closed: make(chan struct{})}
	f.server = &http.Server{
		// Clients that break off are nothing to report.
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, forwardedKey{}, c)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, ok := r.Context().Value(forwardedKey{}).(*forwardedConn)
			if !ok {
				http.Error(w, "no target", http.StatusBadGateway)
				return
			}
			conn.handler.ServeHTTP(w, r)
		}),
	}
	f.done.Go(func() { _ = f.server.Serve(f) }) // ends when it is closed
	return f
}

func (f *forwardServer) close() error {
	err := errors.Join(f.Close(), f.server.Close())
	f.done.Wait()
	return err
}

// Accept, Close and Addr make the forwardServer its own listener.
func (f *forwardServer) Accept() (net.Conn, error) {
	select {
	case conn := <-f.pending:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (f *forwardServer) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// Addr implements net.Listener.
func (f *forwardServer) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// connect joins stream with the handler and returns when either side is through.
func (f *forwardServer) connect(handler http.Handler, stream io.ReadWriteCloser) error {
	near, far, err := connPair()
	if err != nil {
		return fmt.Errorf("connecting to a port: %w", err)
	}
	defer near.Close()
	select {
	case f.pending <- &forwardedConn{Conn: far, handler: handler}:
	case <-f.closed:
		far.Close()
		return net.ErrClosed
	}
	var sent sync.WaitGroup
	sent.Go(func() {
		// Who breaks off has sent all that there is.
		_, _ = io.Copy(near, stream)
		_ = near.CloseWrite()
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
