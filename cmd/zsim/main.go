// Command zsim serves a simulated Istio ambient cluster on loopback.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/zbundle/zbundle/internal/sim"
)

// Exit codes, as of zbundle.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// The streaming library reports every refused port on standard error; that is for clients to do.
	klog.SetLogger(klog.New(nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	kubeconfig string
	replay     string
	planted    string
	context    string
	now        string
	peers      []string
	listFaults bool
	listTraps  bool
	generate   sim.Generate
	breaks     []string
	roles      string
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := pflag.NewFlagSet("zsim", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "write a kubeconfig for the cluster to this `file` (required)")
	flags.StringVar(&o.replay, "replay", "", "serve the recorded world in this `folder`")
	flags.IntVar(&o.generate.Nodes, "nodes", 3, "number of nodes to invent")
	flags.IntVar(&o.generate.Workloads, "workloads", 30, "number of application pods to invent")
	flags.Uint64Var(&o.generate.Seed, "seed", 1, "seed of what is invented: the same seed gives the same cluster")
	flags.StringVar(&o.generate.Version, "version", "1.30.3", "Istio `version` to invent")
	flags.StringArrayVar(&o.generate.Faults, "fault", nil, "plant this `fault` (NAME or NAME=SUBJECT); may be repeated")
	flags.StringArrayVar(&o.generate.Mended, "mended", nil, "let the logs tell of this `fault` too, mended so many minutes ago (NAME@MINUTES); may be repeated")
	flags.StringArrayVar(&o.generate.Traps, "trap", nil, "lay this `trap`, a healthy look-alike of a fault; may be repeated")
	flags.IntVar(&o.generate.Drift, "drift", 0, "keep this many workloads from each ztunnel")
	flags.Var((*share)(&o.generate.Churn), "churn", "let this `share` of the pods restart, under other names and addresses, while requests are served: 5%")
	flags.IntVar(&o.generate.LogBytes, "log-bytes", 0, "let each ztunnel have logged this many bytes more")
	flags.StringVar(&o.generate.Without, "without", "", "invent a cluster without `part`: ambient, or istio as a whole")
	flags.StringArrayVar(&o.breaks, "break", nil, "break a part of the cluster, as `PART=HOW`; may be repeated. "+strings.Join(sim.Breakages(), "; "))
	flags.Int64Var(&o.generate.MemoryLimit, "memory-limit", 0, "memory limit of the mesh's own containers, in `bytes`")
	flags.Int64Var(&o.generate.MemoryUsed, "memory-used", 0, "serve the metrics API, by which each container uses so many `bytes`")
	flags.StringVar(&o.roles, "rights", "", "let the user do only what the Roles and ClusterRoles in this `file` grant, such as zbundle rbac prints")
	flags.StringVar(&o.context, "context", "zsim", "`name` of the cluster in the kubeconfig")
	flags.StringVar(&o.generate.ClusterID, "cluster-id", "Kubernetes", "istiod's `id` of the cluster")
	flags.StringVar(&o.generate.Network, "network", "", "`network` that the cluster is on")
	flags.StringVar(&o.generate.TrustDomain, "trust-domain", "cluster.local", "trust `domain` of the mesh")
	flags.StringArrayVar(&o.peers, "peer", nil, "know the workloads of this other `cluster` of the mesh (ID, or ID=NETWORK/GATEWAY); may be repeated")
	flags.StringVar(&o.now, "now", "", "`time` that the cluster shows, in RFC 3339; certificates of equal times share a root (default the machine's)")
	flags.StringVar(&o.planted, "planted", "", "write the planted faults to this `file` as JSON")
	flags.BoolVar(&o.listFaults, "list-faults", false, "list the faults that can be planted, and exit")
	flags.BoolVar(&o.listTraps, "list-traps", false, "list the traps that can be laid, and exit")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("zsim takes flags only, not %q", flags.Arg(0))
	}
	if o.kubeconfig == "" && !o.listFaults && !o.listTraps {
		return nil, errors.New("--kubeconfig FILE is required: it is how clients find the cluster")
	}
	if o.replay != "" && len(o.generate.Faults)+len(o.generate.Traps) > 0 {
		return nil, errors.New("--fault and --trap change a generated cluster; a recorded one is served as it was")
	}
	return o, o.settle()
}

// settle reads what flags can't.
func (o *options) settle() error {
	for _, text := range o.peers {
		peer, err := sim.ParsePeer(text)
		if err != nil {
			return err
		}
		o.generate.Peers = append(o.generate.Peers, peer)
	}
	if o.now == "" {
		return nil
	}
	var err error
	if o.generate.Now, err = time.Parse(time.RFC3339, o.now); err != nil {
		return fmt.Errorf("--now wants a time like 2026-01-31T15:04:05Z, not %q", o.now)
	}
	return nil
}

// share is a flag in percent.
type share float64

func (s *share) String() string { return fmt.Sprintf("%g%%", 100*float64(*s)) }
func (s *share) Type() string   { return "share" }

func (s *share) Set(text string) error {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !strings.HasSuffix(text, "%") || percent < 0 || percent > 100 {
		return fmt.Errorf("want a percentage from 0%% to 100%%")
	}
	*s = share(percent / 100)
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "zsim:", err)
		return exitUsage
	}
	if o.listFaults {
		for _, f := range sim.Faults() {
			fmt.Fprintf(stdout, "%-34s %s\n", f.Name, f.Title)
		}
		return 0
	}
	if o.listTraps {
		for _, t := range sim.Traps() {
			fmt.Fprintf(stdout, "%-34s %s\n", t.Name, t.Title)
		}
		return 0
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "zsim:", err)
		return exitFailed
	}
	return 0
}

func serve(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	opts := sim.Options{Context: o.context, Replay: o.replay, Break: o.breaks}
	if o.replay == "" {
		opts.Generate = &o.generate
	}
	if o.roles != "" {
		var err error
		if opts.Roles, err = readRoles(o.roles); err != nil {
			return err
		}
	}
	cluster, err := sim.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := cluster.Kubeconfig(o.kubeconfig); err != nil {
		return err
	}
	for _, p := range cluster.Planted() {
		fmt.Fprintf(stderr, "planted %s on %s\n", p.Fault, p.Subject)
	}
	if o.planted != "" {
		if err := writePlanted(o.planted, cluster.Planted()); err != nil {
			return err
		}
	}
	fmt.Fprintln(stdout, "ready")
	<-ctx.Done()
	return cluster.Close()
}

func readRoles(path string) ([]sim.Role, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the user's roles: %w", err)
	}
	defer f.Close()
	return sim.ReadRoles(f)
}

func writePlanted(path string, planted []sim.Planted) error {
	if planted == nil {
		planted = []sim.Planted{}
	}
	text, err := json.MarshalIndent(planted, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the planted faults: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the planted faults: %w", err)
	}
	return nil
}
