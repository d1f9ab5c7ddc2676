package kubeapi

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/tools/portforward"
)

// tunnelPrefix marks a WebSocket subprotocol that carries SPDY,
// k8s.io/apimachinery/pkg/util/portforward WebsocketsSPDYTunnelingPrefix.
const tunnelPrefix = "SPDY/3.1+"

func tunnelled(r *http.Request) bool { return len(tunnelProtocols(r)) > 0 }

func tunnelProtocols(r *http.Request) []string {
	var found []string
	for _, protocol := range websocket.Subprotocols(r) {
		if inner, ok := strings.CutPrefix(protocol, tunnelPrefix); ok {
			found = append(found, inner)
		}
	}
	return found
}

// upgradeTunnel accepts the WebSocket and returns what the SPDY server needs to go on inside it,
// as k8s.io/apiserver/pkg/util/proxy/streamtunnel.go does between a client and a kubelet.
func upgradeTunnel(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, error) {
	protocols := tunnelProtocols(r)
	upgrader := websocket.Upgrader{
		CheckOrigin:  func(*http.Request) bool { return true },
		Subprotocols: []string{tunnelPrefix + protocols[0]},
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("upgrading to a WebSocket: %w", err)
	}
	inner := r.Clone(r.Context())
	inner.Method = http.MethodPost
	inner.Header = http.Header{
		"Connection":                []string{"Upgrade"},
		"Upgrade":                   []string{"SPDY/3.1"},
		"X-Stream-Protocol-Version": protocols,
	}
	return &tunnelWriter{conn: portforward.NewTunnelingConnection("server", conn)}, inner, nil
}

// tunnelWriter is the response writer inside a tunnel. The WebSocket was accepted already, so the
// answer to the upgrade within goes nowhere.
type tunnelWriter struct {
	conn   net.Conn
	header http.Header
}

func (w *tunnelWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *tunnelWriter) WriteHeader(int) {}

func (w *tunnelWriter) Write(p []byte) (int, error) { return len(p), nil }

func (w *tunnelWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
