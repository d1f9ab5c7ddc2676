package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/report"
	"github.com/zbundle/zbundle/analyze/ruletest"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/rules"
)

func newRulesTest(s streams, dirs *[]string) *cobra.Command {
	var run, output, against string
	var mutate bool
	cmd := &cobra.Command{
		Use: "test", Short: "Run the tests that stand in rule files", Args: cobra.NoArgs,
		Long: `test runs the tests of all rules, each on a small world that it changes. With
--rules it runs those of that folder's rules only.

With --mutate it tries the tests themselves: on each rule with one operator or
literal of where, let or when changed, or one side of an operator left out,
some test must fail. Each such mutant that no test notices is told, with a line
for a test that would notice it where one was found.

With --against it runs no test, and says which selectors of the rules match
nothing in a real bundle: no item of for, none that where chooses, or a field
that is empty in all of those.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pattern, err := regexp.Compile(run)
			if err != nil {
				return usage("--run: %w", err)
			}
			keep := func(r *rules.Rule) bool { return pattern.MatchString(r.ID) && (len(*dirs) == 0 || !r.Builtin) }
			if _, err := report.FormatNamed(output); err != nil {
				return usage("--output: %w", err)
			}
			engine, err := loadEngine(*dirs)
			if err != nil {
				return err
			}
			switch {
			case mutate && against != "":
				return usage("give --mutate or --against, not both")
			case against != "":
				return matchRules(cmd.Context(), s, engine, keep, against, output)
			case mutate:
				return mutateRules(cmd.Context(), s, engine, keep, output)
			}
			return testRules(cmd.Context(), s, engine, keep, output)
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "run the tests of rules whose id matches this regular expression")
	cmd.Flags().StringVar(&against, "against", "", "bundle in which to look what the rules' selectors match")
	cmd.Flags().BoolVar(&mutate, "mutate", false, "try whether the tests notice changes of the rules")
	cmd.Flags().StringVarP(&output, "output", "o", report.Names()[0], strings.Join(report.Names(), " or "))
	return cmd
}

func testRules(ctx context.Context, s streams, engine *analyze.Engine, keep func(*rules.Rule) bool, output string) error {
	outcomes, err := ruletest.All(ctx, engine, keep)
	if err != nil {
		return err
	}
	if output == "json" {
		err = printJSON(s.Out, outcomes)
	} else {
		err = tellOutcomes(s.Out, outcomes)
	}
	for _, o := range outcomes {
		if o.Failure != "" {
			return errors.Join(err, &exitError{code: exitFailed})
		}
	}
	return err
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func tellOutcomes(w io.Writer, outcomes []ruletest.Outcome) error {
	failed := 0
	for _, o := range outcomes {
		if o.Failure == "" {
			continue
		}
		failed++
		if _, err := fmt.Fprintf(w, "%s:%d: %s: %s: %s\n", o.File, o.Line, o.Rule, o.Test, o.Failure); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d tests, %d failed\n", len(outcomes), failed)
	return err
}

func mutateRules(ctx context.Context, s streams, engine *analyze.Engine, keep func(*rules.Rule) bool, output string) error {
	mutations, err := ruletest.Mutate(ctx, engine, keep)
	if err != nil {
		return err
	}
	if output == "json" {
		err = printJSON(s.Out, mutations)
	} else {
		err = tellMutations(s.Out, mutations)
	}
	for _, m := range mutations {
		if len(m.Survived)+len(m.Defects) > 0 {
			return errors.Join(err, &exitError{code: exitFailed})
		}
	}
	return err
}

func tellMutations(w io.Writer, mutations []ruletest.Mutation) error {
	var b strings.Builder
	mutants, survived, excused := 0, 0, 0
	for _, m := range mutations {
		mutants, survived, excused = mutants+m.Mutants, survived+len(m.Survived), excused+m.Excused
		for _, d := range m.Defects {
			fmt.Fprintf(&b, "%v\n", d)
		}
		for _, s := range m.Survived {
			fmt.Fprintf(&b, "%s:%d:%d: %s: no test notices: %s\n", s.File, s.Line, s.Column, m.Rule, s.Mutant)
			if s.Notice != "" {
				fmt.Fprintf(&b, "    test %q would, with %s: %s\n", s.Test, s.Under, s.Notice)
			}
		}
	}
	fmt.Fprintf(&b, "%d mutants, %d not noticed, %d excused\n", mutants, survived, excused)
	_, err := io.WriteString(w, b.String())
	return err
}

func matchRules(ctx context.Context, s streams, engine *analyze.Engine, keep func(*rules.Rule) bool, file, output string) error {
	src, err := source.Open(ctx, []string{file}, source.Options{Stdin: s.In})
	if err != nil {
		return err
	}
	m, _, err := load.Mesh(ctx, src)
	if err != nil {
		return err
	}
	matches, err := ruletest.Against(ctx, engine, keep, m)
	if err != nil {
		return err
	}
	if output == "json" {
		return printJSON(s.Out, matches)
	}
	return tellMatches(s.Out, matches)
}

func tellMatches(w io.Writer, matches []ruletest.Match) error {
	var b strings.Builder
	whole := 0
	for _, m := range matches {
		switch {
		case m.Items == 0:
			fmt.Fprintf(&b, "%s: the bundle has no %s\n", m.Rule, m.For)
		case m.Chosen == 0:
			fmt.Fprintf(&b, "%s: where chooses none of %d %s\n", m.Rule, m.Items, m.For)
		case len(m.Empty) > 0:
			fmt.Fprintf(&b, "%s: chooses %d of %d %s, in all of which these are empty: %s\n", m.Rule, m.Chosen, m.Items, m.For, strings.Join(m.Empty, ", "))
		default:
			whole++
		}
	}
	fmt.Fprintf(&b, "%d of %d rules match in every selector\n", whole, len(matches))
	_, err := io.WriteString(w, b.String())
	return err
}

func newRulesLint(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "lint DIR", Short: "Check rule files: every defect with its file, line and column", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return lintRules(s, args[0]) },
	}
}

// lintRules tells defects, which fail, and doubts, which do not.
func lintRules(s streams, dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("%s: no such folder", dir)
	}
	set, err := rules.Builtin()
	if err != nil {
		return fmt.Errorf("the built-in rules: %w", err)
	}
	own, err := rules.Load(os.DirFS(dir), dir)
	set = append(set, own...)
	defects := analyze.Problems(err)
	taken, doubts := rules.Check(set)
	engine, err := analyze.Compile(set)
	defects = slices.Concat(defects, taken, analyze.Problems(err), engine.LintNeeds(), ruletest.Lint(own))
	doubts = append(doubts, rules.Uncontested(own)...)
	for _, r := range own {
		if len(r.Tests) == 0 {
			doubts = append(doubts, r.Problem("id", "the rule has no tests"))
		}
	}
	for _, d := range doubts {
		if _, err := fmt.Fprintf(s.Out, "%v (doubtful)\n", d); err != nil {
			return err
		}
	}
	if err := analyze.Join(defects); err != nil {
		fmt.Fprintln(s.Out, err)
		return &exitError{code: exitFailed}
	}
	_, err = fmt.Fprintf(s.Out, "rules checked: %d, no defects\n", len(own))
	return err
}
