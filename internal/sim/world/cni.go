package world

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/zbundle/zbundle/internal/kubeapi"
)

// cniState is what an istio-cni node agent has to tell.
type cniState struct {
	log       []byte
	previous  []byte
	ready     bool
	connected int // ztunnels connected over ZDS; none is told of below 0
}

// QuietCNI is an agent that has nothing to tell.
func QuietCNI() cniState { return cniState{ready: true, connected: 1} }

// CNIBackend serves metrics on 15014 and readiness on 8000, cni/pkg/install and cni/pkg/nodeagent.
func CNIBackend(p PodModel, state cniState) PodBackend {
	metrics, readiness := http.NewServeMux(), http.NewServeMux()
	metrics.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		Answer(w, textHeader("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"), http.StatusOK, []byte(state.metrics()))
	})
	readiness.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		code := http.StatusOK
		if !state.ready {
			code = http.StatusServiceUnavailable
		}
		Answer(w, http.Header{}, code, nil)
	})
	log := func(_ string, previous bool) (kubeapi.Log, bool) {
		if previous {
			return kubeapi.Log{Text: state.previous, Started: p.Created}, p.Container.Previous != nil
		}
		return kubeapi.Log{Text: state.log, Started: p.Container.Started}, true
	}
	return p.Backend(log, map[int32]kubeapi.Port{15014: {Handler: metrics}, 8000: {Handler: readiness}})
}

func textHeader(contentType string) http.Header {
	return http.Header{"Content-Type": []string{contentType}}
}

// metrics are those of the agent that its troubleshooting looks at.
func (s cniState) metrics() string {
	var out strings.Builder
	gauge := func(name, help string, value int) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n%s %d\n", name, help, name, name, value)
	}
	installed, result := 0, "COPY_BINARIES_FAILURE"
	if s.ready {
		installed, result = 1, "SUCCESS"
	}
	gauge("istio_cni_install_ready", "Whether the CNI plugin installation is ready or not", installed)
	fmt.Fprintf(&out, "# HELP istio_cni_installs_total Total number of CNI plugins installed by the Istio CNI installer\n"+
		"# TYPE istio_cni_installs_total counter\nistio_cni_installs_total{result=%q} 1\n", result)
	if s.connected >= 0 {
		gauge("ztunnel_connected", "number of connections to ztunnel", s.connected)
	}
	return out.String()
}
