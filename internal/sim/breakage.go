package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zbundle/zbundle/internal/kubeapi"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// Parts of a cluster that can be broken, as Options.Break names them. The victim is one pod of
// each kind, the first by name: what else there is answers as ever.
const (
	partZtunnel = "ztunnel" // the config dump of one ztunnel
	partIstiod  = "istiod"  // the debug answers of one istiod
	partLogs    = "logs"    // the log of that ztunnel
	partMetrics = "metrics" // its metrics
	partLists   = "lists"   // the list of services
	partNode    = "node"    // the kubelet of its node
	partAPI     = "api"     // the API server
)

// breakages are the ways in which each part can be broken.
var breakages = map[string][]string{
	partZtunnel: append(answerBreakages(), "deleted", "skew"),
	partIstiod:  answerBreakages(),
	partLogs:    answerBreakages(),
	partMetrics: answerBreakages(),
	partLists:   answerBreakages(),
	partNode:    {"dead-kubelet", "tls", "not-ready"},
	partAPI:     {"restart", "tls", "skew"},
}

// Breakages lists what Options.Break takes, each with what it does.
func Breakages() []string {
	var out []string
	for _, part := range []string{partZtunnel, partIstiod, partLogs, partMetrics, partLists, partNode, partAPI} {
		out = append(out, part+"="+strings.Join(breakages[part], "|"))
	}
	return out
}

// skew is how far a clock that is wrong is ahead.
const skew = 10 * time.Minute

// breaker breaks what it was told to.
type breaker struct {
	how     map[string]string // by part
	victims map[string]string // ztunnel and istiod as NAMESPACE/NAME; node by name
	dead    map[string]bool   // nodes of the world that nothing can be reached on

	listed   atomic.Bool  // the pods were
	requests atomic.Int64 // that the API server received
	refuse   atomic.Int64 // connections yet to be refused
	deny     atomic.Int64 // requests yet to be denied
}

func newBreaker(wanted []string, w *world.World) (*breaker, error) {
	b := &breaker{how: map[string]string{}, victims: map[string]string{}, dead: w.Dead}
	for _, text := range wanted {
		part, how, _ := strings.Cut(text, "=")
		if !slices.Contains(breakages[part], how) {
			return nil, fmt.Errorf("nothing can be broken by %q: it is one of %s", text, strings.Join(Breakages(), ", "))
		}
		b.how[part] = how
	}
	for _, key := range world.SortedKeys(w.Pods) {
		p := w.Pods[key]
		for _, kind := range []string{partZtunnel, partIstiod} {
			if b.victims[kind] == "" && strings.HasPrefix(p.Name, kind) {
				b.victims[kind] = key
			}
		}
	}
	if z, ok := w.Pods[b.victims[partZtunnel]]; ok {
		b.victims[partNode] = z.Node
	}
	return b, b.breakWorld(w)
}

// breakWorld changes what the world says, where a breakage shows in that.
func (b *breaker) breakWorld(w *world.World) error {
	if b.how[partAPI] == "skew" {
		now := w.Now
		w.Now = func() time.Time { return now().Add(skew) }
	}
	z, ok := w.Pods[b.victims[partZtunnel]]
	if !ok {
		return nil
	}
	if b.how[partZtunnel] == "skew" {
		log := z.Log
		z.Log = func(container string, previous bool) (kubeapi.Log, bool) {
			text, ok := log(container, previous)
			return text.Later(skew), ok
		}
		w.Pods[b.victims[partZtunnel]] = z
	}
	if b.how[partNode] == "not-ready" {
		return notReady(w, z.Node)
	}
	return nil
}

// ofTarget is the part that a request to a pod's port is for, "" for none that is broken.
func (b *breaker) ofTarget(pod string, number int32, path string) string {
	part := ""
	switch {
	case pod == b.victims[partIstiod] && strings.HasPrefix(path, "/debug/") && (b.how[partIstiod] != "huge" || path == "/debug/ambientz"):
		part = partIstiod
	case pod == b.victims[partZtunnel] && number == world.ZtunnelAdminPort:
		part = partZtunnel
	case pod == b.victims[partZtunnel] && path == "/metrics":
		part = partMetrics
	}
	return b.broken(part)
}

// ofAPI is the part that a request to the API server is for.
func (b *breaker) ofAPI(r *http.Request) string {
	namespace, name, _ := strings.Cut(b.victims[partZtunnel], "/")
	switch r.URL.Path {
	case "/api/v1/services":
		return b.broken(partLists)
	case "/api/v1/namespaces/" + namespace + "/pods/" + name + "/log":
		return b.broken(partLogs)
	}
	return ""
}

func (b *breaker) broken(part string) string {
	if slices.Contains(answerBreakages(), b.how[part]) {
		return part
	}
	return ""
}

// ahead is how far ahead a pod's clock is.
func (b *breaker) ahead(pod string) time.Duration {
	if b.how[partZtunnel] == "skew" && pod == b.victims[partZtunnel] {
		return skew
	}
	return 0
}

// gone is true for a pod that was deleted after the pods were listed.
func (b *breaker) gone(pod string) bool {
	return b.how[partZtunnel] == "deleted" && pod == b.victims[partZtunnel] && b.listed.Load()
}

// kubelet is why the API server can't reach the kubelet of a node, "" where it can.
func (b *breaker) kubelet(w *world.World, node string) string {
	how := b.how[partNode]
	if node != b.victims[partNode] {
		how = ""
	}
	if b.dead[node] {
		how = "not-ready"
	}
	address := hostIP(w, node) + ":10250"
	switch how {
	case "dead-kubelet":
		return "error dialing backend: dial tcp " + address + ": connect: connection refused"
	case "not-ready":
		return "error dialing backend: dial tcp " + address + ": i/o timeout"
	case "tls":
		return "error dialing backend: tls: failed to verify certificate: x509: certificate signed by unknown authority"
	}
	return ""
}

// lost is true for a node that nothing can be reached on.
func (b *breaker) lost(node string) bool {
	return b.dead[node] || b.how[partNode] == "not-ready" && node == b.victims[partNode]
}

// The API server restarts after so many requests, refuses so many connections until it is back, and
// denies so many requests until it has read its roles.
const (
	restartAfter   = 40
	restartRefuses = 12
	restartDenies  = 12
)

// received counts a request, and is true for the one at which the API server goes down.
func (b *breaker) received() bool {
	if b.requests.Add(1) != restartAfter || b.how[partAPI] != "restart" {
		return false
	}
	b.refuse.Store(restartRefuses)
	b.deny.Store(restartDenies)
	return true
}

// down is true for a connection that comes while the API server is not there.
func (b *breaker) down() bool { return b.refuse.Load() > 0 && b.refuse.Add(-1) >= 0 }

// denies is true for a request that comes before the API server has read its roles.
func (b *breaker) denies() bool {
	return b.refuse.Load() <= 0 && b.deny.Load() > 0 && b.deny.Add(-1) >= 0
}
