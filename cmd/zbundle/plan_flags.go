package main

import (
	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/collect"
)

// planFlags are those that decide what is asked of which cluster: collect,
// plan and rbac share them.
type planFlags struct {
	kube kubeconfig
	opts collect.Options
	// waypoints is the flag's text.
	waypoints string
}

func newPlanFlags() *planFlags {
	return &planFlags{opts: collect.Options{LogBytes: collect.DefaultLogBytes, Budget: collect.DefaultBudget}}
}

// add adds the flags, without those of kubectl's that are the command's own.
func (p *planFlags) add(cmd *cobra.Command, own ...string) {
	p.kube.add(cmd.Flags(), own...)
	f, opts := cmd.Flags(), &p.opts
	f.StringSliceVarP(&opts.Namespaces, "namespace", "n", nil, "take objects of these namespaces, and of the mesh's own, only; pods, too, where they can't be listed in all; may be repeated")
	f.StringSliceVar(&opts.Nodes, "node", nil, "ask ztunnel and istio-cni on these nodes only; may be repeated")
	f.StringVar(&opts.NodeSelector, "node-selector", "", "ask ztunnel and istio-cni on nodes with these labels only")
	f.StringVar(&opts.For, "for", "", "ask what matters to NAMESPACE[/WORKLOAD] only: ztunnel and istio-cni on its nodes and its peers', and its waypoints")
	f.StringVar(&p.waypoints, "waypoints", string(collect.WaypointsAuto), "ask waypoints, which run in applications' namespaces: true, false, or auto (where the rights are there already)")
	f.Lookup("waypoints").NoOptDefVal = string(collect.WaypointsTake)
	f.Var(&sizeValue{&opts.Budget}, "budget", "bound on the bytes to move, by estimate: past it config dumps are taken of the sick ztunnels first, then of a sample; 0 takes all")
	f.BoolVar(&opts.ForceDump, "force-dump", false, "take config dumps, and second looks at istiod, even where they may not fit into its memory")
	f.Var(&shardValue{&opts.Shard}, "shard", "take only part I of N (I/N, from 0) of a large mesh; zbundle merge puts the parts together")
	f.DurationVar(&opts.Timeout, "timeout", collect.DefaultTimeout, "bound on the whole run; what is there by then is kept")
	f.DurationVar(&opts.RequestTimeout, "request-timeout", collect.DefaultRequestTimeout, "bound on a single request")
	f.IntVar(&opts.Concurrency, "concurrency", collect.DefaultConcurrency, "how many pods to ask at once")
	f.DurationVar(&opts.MetricsInterval, "metrics-interval", collect.DefaultMetrics, "how far apart the two looks at metrics are at least, of which counters become rates")
	f.DurationVar(&opts.Since, "since", 0, "take logs of this long before now only")
	f.Var(&timeValue{&opts.SinceTime}, "since-time", "take logs from this time on only (RFC 3339)")
	f.IntVar(&opts.Tail, "tail", 0, "take this many of the newest lines of each log")
	f.BoolVar(&opts.NoLogs, "no-logs", false, "take no logs: rules that need them stay undecided")
	f.Var(&sizeValue{&opts.LogBytes}, "log-bytes", "bound on one log: its first 256 KB and its newest part; eight times as much of a container in trouble")
}

// options are those of a run, once the flags were read.
func (p *planFlags) options() (collect.Options, error) {
	opts := p.opts
	opts.Waypoints = collect.Waypoints(p.waypoints)
	switch opts.Waypoints {
	case collect.WaypointsAuto, collect.WaypointsTake, collect.WaypointsLeave:
	default:
		return opts, usage("--waypoints is true, false or auto, not %q", p.waypoints)
	}
	if err := opts.Check(); err != nil {
		return opts, usage("%w", err)
	}
	opts.Tool = version()
	opts.Context = p.kube.context()
	return opts, nil
}
