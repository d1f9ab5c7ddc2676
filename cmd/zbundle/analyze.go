package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/report"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/rules"
)

func newAnalyze(s streams) *cobra.Command {
	var output, failOn string
	var ruleDirs, keys []string
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
			return runAnalyze(cmd.Context(), s, args, ruleDirs, keys, output, failOn)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "text", "text or json")
	f.StringSliceVar(&ruleDirs, "rules", nil, "folder of further rules; may be repeated")
	keyFlag(cmd, &keys)
	f.StringVar(&failOn, "fail-on", string(rules.Warning), "lowest severity that makes exit code 3: critical, error, warning, notice or hint")
	return cmd
}

func runAnalyze(ctx context.Context, s streams, files, ruleDirs, keys []string, output, failOn string) error {
	if output != "text" && output != "json" {
		return usage("--output is text or json, not %q", output)
	}
	if !slices.Contains(rules.Severities(), rules.Severity(failOn)) {
		return usage("--fail-on is critical, error, warning, notice or hint, not %q", failOn)
	}
	engine, errRules := loadEngine(ruleDirs)
	if engine == nil {
		return errRules
	}
	identities, err := bundle.Identities(keys)
	if err != nil {
		return err
	}
	src, err := source.Open(ctx, files, source.Options{Stdin: s.In, Identities: identities})
	if err != nil {
		return err
	}
	result, err := analyze.Analyze(ctx, src, engine, analyze.Options{Tool: version(), File: strings.Join(files, ", ")})
	if err != nil {
		return err
	}
	if err := printResult(s, result, output); err != nil {
		return err
	}
	switch {
	case errRules != nil:
		return errRules // the rest was analyzed all the same
	case result.FoundAt(rules.Severity(failOn)):
		return &exitError{code: exitFindings}
	case len(result.Undecided) > 0:
		return &exitError{code: exitUndecided}
	}
	return nil
}

func printResult(s streams, r *analyze.Result, output string) error {
	if output == "json" {
		return report.JSON(s.Out, r)
	}
	return report.Text(s.Out, r, textOptions(s))
}

func textOptions(s streams) report.TextOptions {
	width, ok := terminal(s.Out)
	return report.TextOptions{Color: ok && os.Getenv("NO_COLOR") == "", Width: min(width, 120)}
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
