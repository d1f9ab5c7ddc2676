package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/zbundle/zbundle/internal/kubeapi"
	"github.com/zbundle/zbundle/internal/sim/fault"
	"github.com/zbundle/zbundle/internal/sim/replay"
	"github.com/zbundle/zbundle/internal/sim/trap"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// Options choose the cluster to serve. Exactly one of Replay and Generate must be set.
type Options struct {
	// Replay is the folder of a recorded world: world.json and one folder per node.
	Replay string
	// Generate describes a world to invent.
	Generate *world.Generate
	// Context names the cluster in kubeconfigs; "" stands for zsim.
	Context string
	// Break breaks parts of the cluster, each as PART=HOW; Breakages lists them.
	Break []string
	// Roles, unless nil, are all that the cluster's user may do.
	Roles []Role
	// OnRequest, when set, is told of every request that the API server and the targets behind
	// port-forward receive, so that a test can hold a client to what it may ask. It is called
	// concurrently.
	OnRequest func(Request)
}

// Request is one request as the simulated cluster received it.
type Request struct {
	// Target is "api-server", or "NAMESPACE/POD:PORT" for a request that reached a pod.
	Target string
	Method string
	// Path is the path with its query.
	Path string
}

// Cluster is a running simulated cluster.
type Cluster struct {
	world    *world.World
	context  string
	pki      *pki
	server   *http.Server
	listener *trackingListener
	api      *kubeapi.Server
	end      context.CancelFunc
	done     sync.WaitGroup
	closeErr error // of stopping, which comes before done
}

// Start builds the world that opts describe and serves it on a free loopback port until Close is
// called or ctx ends.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	w, err := opts.build()
	if err != nil {
		return nil, err
	}
	broken, err := newBreaker(opts.Break, w)
	if err != nil {
		return nil, err
	}
	keys, err := newPKI()
	if err != nil {
		return nil, fmt.Errorf("creating the cluster's certificates: %w", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	observe := opts.OnRequest
	if observe == nil {
		observe = func(Request) {}
	}
	c := &Cluster{
		world:    w,
		context:  cmp.Or(opts.Context, world.ContextName),
		pki:      keys,
		listener: &trackingListener{Listener: ln, down: broken.down, conns: map[net.Conn]struct{}{}},
	}
	live := &atomic.Pointer[world.World]{}
	live.Store(w)
	var restarts *churn
	if g := opts.Generate; g != nil && g.Churn > 0 {
		restarts = newChurn(w.Mesh, g.Churn, g.Seed, live)
	}
	serving := keys
	if broken.how[partAPI] == "tls" {
		if serving, err = newPKI(); err != nil {
			return nil, errors.Join(fmt.Errorf("creating the cluster's certificates: %w", err), ln.Close())
		}
	}
	front := &frontend{live: live, churn: restarts, breaker: broken, roles: opts.Roles, token: keys.token, observe: observe, cut: c.listener.closeConns}
	front.api = kubeapi.NewServer(front.cluster, world.ClusterUser, front.authenticated)
	c.api = front.api
	c.server = &http.Server{Handler: front, TLSConfig: serving.serverConfig(), ErrorLog: discardLog()}
	c.done.Go(func() { _ = c.server.ServeTLS(c.listener, "", "") }) // ends when it is closed
	ended, end := context.WithCancel(ctx)
	c.end = end
	c.done.Go(func() {
		<-ended.Done()
		c.closeErr = errors.Join(c.server.Close(), c.api.Close())
		c.listener.closeConns()
	})
	return c, nil
}

// changes are those of the rooms of the faults and the traps.
func changes() world.Changes { return world.Changes{Lay: trap.Lay, Plant: fault.Plant} }

func (o Options) build() (*world.World, error) {
	switch {
	case o.Replay != "" && o.Generate != nil:
		return nil, errors.New("a cluster is either replayed or generated, not both")
	case o.Replay != "":
		return replay.Load(o.Replay)
	case o.Generate != nil:
		return o.Generate.Build(changes())
	}
	return nil, errors.New("nothing to serve: neither a recorded world nor a generated one was asked for")
}

// URL is the address of the API server.
func (c *Cluster) URL() string { return "https://" + c.listener.Addr().String() }

// Planted lists the faults of a generated world, in the order in which they were asked for.
func (c *Cluster) Planted() []world.Planted { return c.world.Planted }

// Close stops serving, cuts every connection and waits until nothing of the cluster runs any more.
func (c *Cluster) Close() error {
	c.end()
	c.done.Wait()
	return c.closeErr
}
