package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/report"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/rules"
)

func newAnalyze(s streams) *cobra.Command {
	var a analyzeOptions
	cmd := &cobra.Command{
		Use:   "analyze FILE...",
		Short: "Say what is wrong with the mesh in a bundle",
		Long: `analyze reads a bundle (an archive, a folder that one was extracted to, or -
for stdin), one or more bare ztunnel config dumps, or an archive of istioctl
bug-report or oc adm must-gather, and prints what is wrong, where it shows,
why, and what to do. It needs no cluster.
` + exitHelp,
		Example: `  zbundle analyze bundle.tgz
  zbundle analyze -o json bundle.tgz
  zbundle analyze -i key.txt bundle.tgz.age
  zbundle analyze dump-worker-1.json dump-worker-2.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("analyze needs a bundle: zbundle analyze bundle.tgz")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), s, args)
		},
	}
	a.addFlags(cmd.Flags())
	return cmd
}

// analyzeOptions are what the flags of analyze ask for.
type analyzeOptions struct {
	output, failOn, suppressions, baseline, writeBaseline string
	ruleDirs, keys, only, skip, suppress                  []string
	past                                                  bool
}

func (a *analyzeOptions) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&a.output, "output", "o", report.Names()[0], strings.Join(report.Names(), " or "))
	f.StringSliceVar(&a.ruleDirs, "rules", nil, "folder of further rules; may be repeated")
	keyFlag(f, &a.keys)
	f.StringVar(&a.failOn, "fail-on", string(result.Warning), "lowest severity that makes exit code 3: critical, error, warning, notice or hint")
	f.StringSliceVar(&a.only, "only", nil, `run these rules only, by id, pattern ("hbone-*") or category; may be repeated`)
	f.StringSliceVar(&a.skip, "skip", nil, "leave these rules out, named likewise; may be repeated")
	f.StringArrayVar(&a.suppress, "suppress", nil, `show findings of a rule apart: ID, or ID=SUBJECT with a pattern of the subject's name ("shop/*"); may be repeated`)
	f.StringVar(&a.suppressions, "suppressions", "", "file with such suppressions, each with id, subject, reason and expires")
	f.BoolVar(&a.past, "past", false, "show in full what came and went before the capture")
	f.StringVar(&a.baseline, "baseline", "", "earlier result (-o json) or baseline, whose findings are shown apart")
	f.StringVar(&a.writeBaseline, "write-baseline", "", "write a baseline of what was found to this file, which must not exist")
}

func (a *analyzeOptions) run(ctx context.Context, s streams, files []string) error {
	format, err := report.FormatNamed(a.output)
	if err != nil {
		return usage("--output: %w", err)
	}
	if !slices.Contains(result.Severities(), result.Severity(a.failOn)) {
		return usage("--fail-on is critical, error, warning, notice or hint, not %q", a.failOn)
	}
	engine, errRules := loadEngine(a.ruleDirs)
	if engine == nil {
		return errRules
	}
	opts, err := a.options(engine)
	if err != nil {
		return err
	}
	opts.Tool, opts.File = version(), strings.Join(files, ", ")
	if engine, err = engine.Choose(a.only, a.skip); err != nil {
		return usage("--only and --skip: %w", err)
	}
	identities, err := bundle.Identities(a.keys)
	if err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	src, err := source.Open(ctx, files, source.Options{Stdin: s.In, Identities: identities})
	if err != nil {
		return err
	}
	found, err := analyze.Analyze(ctx, src, engine, opts)
	if err != nil {
		return err
	}
	if err := format.Write(s.Out, found, a.printing(s)); err != nil {
		return err
	}
	if a.writeBaseline != "" {
		var text bytes.Buffer
		if err := errors.Join(result.WriteBaseline(&text, found), writeNew(a.writeBaseline, text.Bytes())); err != nil {
			return err
		}
	}
	switch {
	case errRules != nil:
		return errRules // the rest was analyzed all the same
	case found.FoundAt(result.Severity(a.failOn)):
		return &exitError{code: exitFindings}
	case len(found.Undecided) > 0:
		return &exitError{code: exitUndecided}
	}
	return nil
}

// softMemory is from where on analyze trades the processor for memory: a
// laptop has other things to do. What needs more gets it.
const softMemory = 170 << 20

// options reads what is not to be shown among the findings.
func (a *analyzeOptions) options(engine *analyze.Engine) (analyze.Options, error) {
	var opts analyze.Options
	for _, text := range a.suppress {
		one, err := analyze.ParseSuppression(text)
		if err != nil {
			return opts, usage("--suppress %s: %w", text, err)
		}
		opts.Suppressions = append(opts.Suppressions, one)
	}
	if a.suppressions != "" {
		text, err := os.ReadFile(a.suppressions)
		if err != nil {
			return opts, usage("--suppressions: %w", err)
		}
		more, err := analyze.ReadSuppressions(a.suppressions, text)
		if err != nil {
			return opts, usage("%w", err)
		}
		opts.Suppressions = append(opts.Suppressions, more...)
	}
	if err := engine.Check(opts.Suppressions); err != nil {
		return opts, usage("a suppression: %w", err)
	}
	if a.baseline != "" {
		text, err := os.ReadFile(a.baseline)
		if err != nil {
			return opts, usage("--baseline: %w", err)
		}
		if opts.Baseline, err = result.ReadBaseline(text); err != nil {
			return opts, usage("--baseline %s: %w", a.baseline, err)
		}
	}
	return opts, nil
}

// printing says how to print to where the result goes.
func (a *analyzeOptions) printing(s streams) report.Options {
	width, ok := terminal(s.Out)
	return report.Options{Color: ok && os.Getenv("NO_COLOR") == "", Width: min(width, 120), Past: a.past}
}

// loadEngine takes the built-in rules and those of the folders. Defects in
// the user's own are an error beside an engine of all the others.
func loadEngine(dirs []string) (*analyze.Engine, error) {
	set, err := rules.Builtin()
	if err != nil {
		return nil, fmt.Errorf("the built-in rules: %w", err)
	}
	var errs []error
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, usage("--rules %s: no such folder", dir)
		}
		own, err := rules.Load(os.DirFS(dir), dir)
		errs = append(errs, err)
		set = append(set, own...)
	}
	problems, _ := rules.Check(set)
	for _, p := range problems {
		errs = append(errs, p)
	}
	engine, err := analyze.Compile(set)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return engine, fmt.Errorf("rules with defects were left out:\n%w", err)
	}
	return engine, nil
}
