package sim

import (
	"io"
	"log"
	"net"
	"sync"
)

// trackingListener knows its open connections, so that those which were hijacked for streaming
// (and so left the HTTP server's care) end with the cluster too.
type trackingListener struct {
	net.Listener
	// down tells of each new connection whether it is refused.
	down  func() bool
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func (l *trackingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	for err == nil && l.down() {
		conn.Close()
		conn, err = l.Listener.Accept()
	}
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, listener: l}
	l.mu.Lock()
	l.conns[tracked] = struct{}{}
	l.mu.Unlock()
	return tracked, nil
}

func (l *trackingListener) closeConns() {
	l.mu.Lock()
	conns := make([]net.Conn, 0, len(l.conns))
	for conn := range l.conns {
		conns = append(conns, conn)
	}
	l.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	listener *trackingListener
}

func (c *trackedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// discardLog silences the HTTP servers: clients that break off are what this cluster is for.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
