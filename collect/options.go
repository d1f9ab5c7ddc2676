package collect

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/zbundle/zbundle/bundle"
)

// Options say what to collect and how hard to try.
type Options struct {
	Output  string // file to write; its ending decides the archive's form
	Force   bool   // replace a file that is already there
	KeepPEM bool   // keep certificates whole
	// KeepRequests keeps paths and client addresses in gateways' access logs.
	KeepRequests bool
	// Stdout takes the bundle where Output is "-".
	Stdout io.Writer
	// Recipients are the only ones who can read the bundle, where there are any.
	Recipients []age.Recipient
	// Names is the file for the map of pseudonyms, which then stand in the bundle
	// for all names and addresses; "" for a plain bundle.
	Names string
	Tool  string // version of zbundle, for the bundle's header
	// Context is the kubeconfig context's name, for the bundle's header.
	Context string
	// Shard, where it is set, is the part of the mesh that this run takes.
	Shard *bundle.Shard
	// Timeout bounds the run, RequestTimeout every single request.
	Timeout        time.Duration
	RequestTimeout time.Duration
	// Budget bounds the bytes that are to move, by estimate; past it config dumps
	// are left out. 0 takes all.
	Budget int64
	// ForceDump asks ztunnels for dumps that may not fit their memory.
	ForceDump bool
	// Namespaces bound the objects that are taken, Nodes and NodeSelector the
	// nodes whose ztunnel and istio-cni are asked. For takes the nodes of one
	// workload (NAMESPACE[/NAME]) and of its peers. Unset, they bound nothing.
	Namespaces   []string
	Nodes        []string
	NodeSelector string
	For          string
	Waypoints    Waypoints
	// Concurrency is how many pods are asked at once; each gets one request at a time.
	Concurrency int
	// MetricsInterval is how far apart the two looks at metrics are at least.
	MetricsInterval time.Duration
	// Since and SinceTime bound how far back logs are taken, Tail how many of
	// their newest lines; zero values set no bound.
	NoLogs    bool // take none at all
	Since     time.Duration
	SinceTime time.Time
	Tail      int
	// LogBytes bounds what is taken of one log: its first 256 KB and its newest
	// part. A container that restarted, is not ready or is connected to no
	// istiod gets eight times as much.
	LogBytes int64
}

// Defaults for Options left at zero.
const (
	DefaultTimeout        = 10 * time.Minute
	DefaultRequestTimeout = 30 * time.Second
	DefaultConcurrency    = 10
	DefaultMetrics        = 10 * time.Second
	DefaultLogBytes       = 4 * mb
	DefaultBudget         = 5 * 1024 * mb
)

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.MetricsInterval <= 0 {
		o.MetricsInterval = DefaultMetrics
	}
	if o.LogBytes <= 0 {
		o.LogBytes = DefaultLogBytes
	}
	if o.Waypoints == "" {
		o.Waypoints = WaypointsAuto
	}
	return o
}

// Check tells what in the options contradicts itself or can't be read.
func (o Options) Check() error {
	if _, err := labels.Parse(o.NodeSelector); err != nil {
		return fmt.Errorf("read --node-selector: %w", err)
	}
	if ns, name, ok := strings.Cut(o.For, "/"); o.For != "" && (ns == "" || ok && (name == "" || strings.Contains(name, "/"))) {
		return fmt.Errorf("--for is NAMESPACE or NAMESPACE/WORKLOAD, not %q", o.For)
	}
	if slices.Contains(o.Namespaces, "") || slices.Contains(o.Nodes, "") {
		return errors.New("the name of a namespace or a node is empty")
	}
	return nil
}

// since is from when on logs are taken, by the cluster's clock; zero for all.
func (o Options) since(now time.Time) time.Time {
	if o.Since > 0 {
		return now.Add(-o.Since)
	}
	return o.SinceTime
}

// ErrInterrupted is the cause to cancel a run's context with: what is there is
// kept as a bundle marked incomplete.
var ErrInterrupted = errors.New("interrupted")

// errRunTimeout is the cause that ends a run past Options.Timeout.
var errRunTimeout = errors.New("the run's time is up")
