package collect

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// TestAnswersDoNotShareAConnection has two requests under way at once at an API
// server that speaks HTTP/2, over which they would share one.
func TestAnswersDoNotShareAConnection(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	from := make(chan string, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		both.Done()
		both.Wait()
		from <- r.RemoteAddr
		_, _ = io.WriteString(w, "{}") // the client sees a failure
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	a, err := newAPI(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	for range 2 {
		asked.Go(func() {
			resp, err := a.get(t.Context(), "/version", nil)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close() // nothing of it is wanted
		})
	}
	asked.Wait()
	if first, second := <-from, <-from; first == second {
		t.Errorf("both came from %s", first)
	}
}
