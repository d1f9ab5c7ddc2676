package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/collect"
	"github.com/zbundle/zbundle/internal/ui"
)

// collectOptions are the flags of collect.
type collectOptions struct {
	plan      *planFlags
	contexts  []string
	to        encryption
	anonymous pseudonyms
	dryRun    bool
	quiet     bool
	allowGaps bool
}

func newCollect(s streams) *cobra.Command {
	o := &collectOptions{plan: newPlanFlags()}
	opts := &o.plan.opts
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect the mesh's state from a cluster into a bundle",
		Long: `collect reads the state of every ztunnel, istiod, istio-cni agent, waypoint and
gateway and of the objects around them, and writes it into one archive. It
changes nothing, never reads a Secret, and always ends: what can't be had is
noted in the bundle.
` + exitHelp,
		Example: `  zbundle collect
  zbundle collect --context prod -o prod.tgz
  zbundle collect --context east --context west -o mesh.tgz
  zbundle collect --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCollect(cmd.Context(), s, o)
		},
	}
	o.plan.add(cmd, "context") // here it may be repeated
	f := cmd.Flags()
	f.StringArrayVar(&o.contexts, "context", nil, "kubeconfig context to use; several are collected into one bundle, as the clusters of one mesh")
	f.StringVarP(&opts.Output, "output", "o", "", "file to write, ending in .tgz, .tar.zst or .tar; - for stdout (default zbundle-<context>-<UTC time>.tgz)")
	f.BoolVar(&opts.Force, "force", false, "replace the file if it is there")
	f.BoolVar(&opts.KeepRequests, "keep-requests", false, "keep request paths and client addresses in the access logs of waypoints and gateways")
	f.BoolVar(&opts.KeepPEM, "keep-pem", false, "keep certificates whole (they are public), and not only the facts in them")
	f.BoolVar(&o.anonymous.wanted, "anonymize", false, "give all names and addresses pseudonyms, and write what they stand for into a file beside the bundle")
	namesFlag(cmd, &o.anonymous.names)
	encryptionFlags(cmd, &o.to)
	f.BoolVar(&o.dryRun, "dry-run", false, "print every request that would be made, as zbundle plan does")
	f.BoolVar(&o.allowGaps, "allow-gaps", false, "end with exit code 0, and not 5, where there are gaps: for schedulers that would collect again")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing but errors")
	return cmd
}

func runCollect(ctx context.Context, s streams, o *collectOptions) error {
	kubes := clustersOf(o.plan.kube, o.contexts)
	if o.dryRun {
		return printPlans(ctx, s, o.plan, kubes)
	}
	opts, err := o.plan.options()
	if err != nil {
		return err
	}
	clusters, names, err := reached(kubes)
	if err != nil {
		return err
	}
	opts.Stdout = s.Out
	if opts.Recipients, err = o.to.recipients(); err != nil {
		return err
	}
	if opts.Output == "" {
		opts.Output = fmt.Sprintf("zbundle-%s-%s.tgz", o.anonymous.fileName(strings.Join(names, "-")), time.Now().UTC().Format("20060102T150405Z"))
		if len(opts.Recipients) > 0 {
			opts.Output += ".age"
		}
	}
	if err := o.anonymous.apply(&opts); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectGarbageAt)
	}
	ctx, stop := interruptible(ctx, func() { _ = bundle.RemovePartial(opts.Output) }) // nobody waits for its error
	defer stop()
	progress, done := progressOn(s, o.quiet)
	summary, err := collect.Run(ctx, clusters, opts, progress)
	done()
	if err != nil && errors.Is(context.Cause(ctx), collect.ErrInterrupted) {
		return &exitError{code: exitInterrupted, err: err}
	}
	if err != nil {
		return err
	}
	if !o.quiet {
		summaryText(s.Err, summary)
	}
	switch {
	case summary.Interrupted:
		return &exitError{code: exitInterrupted}
	case !summary.Complete && !o.allowGaps:
		return &exitError{code: exitGaps}
	}
	return nil
}

// collectGarbageAt trades a little of the processor for memory, of which a
// bastion host has little.
const collectGarbageAt = 50

// encryption says whom a bundle is encrypted to.
type encryption struct{ keys, files []string }

func encryptionFlags(cmd *cobra.Command, to *encryption) {
	f := cmd.Flags()
	f.StringArrayVar(&to.keys, "encrypt-to", nil, "encrypt the bundle to this age recipient (age1…); may be repeated")
	f.StringArrayVarP(&to.files, "recipients-file", "R", nil, "encrypt the bundle to the age recipients in this file; may be repeated")
}

func (e encryption) recipients() ([]age.Recipient, error) {
	out, err := bundle.Recipients(e.keys, e.files)
	if err != nil {
		return nil, usage("%w", err)
	}
	return out, nil
}

// interruptible ends a run in order at the first SIGINT or SIGTERM, and the
// process at the second, after abandon.
func interruptible(ctx context.Context, abandon func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for range 2 {
			select {
			case <-signals:
				if ctx.Err() != nil {
					abandon()
					os.Exit(exitInterrupted)
				}
				cancel(collect.ErrInterrupted)
			case <-ended:
				return
			}
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		watching.Wait()
		cancel(nil)
	}
}

func progressOn(s streams, quiet bool) (collect.Progress, func()) {
	if quiet {
		return collect.Quiet{}, func() {}
	}
	if width, ok := terminal(s.Err); ok {
		bar := &ui.Bar{W: s.Err, Width: width}
		return bar, bar.Clear
	}
	return &ui.Lines{W: s.Err}, func() {}
}

var notInFileName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func fileName(context string) string {
	return strings.Trim(notInFileName.ReplaceAllString(context, "-"), "-.")
}
