package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/report"
	"github.com/zbundle/zbundle/analyze/ruletest"
	"github.com/zbundle/zbundle/rules"
)

func newRules(s streams) *cobra.Command {
	var dirs []string
	cmd := &cobra.Command{Use: "rules", Short: "List, explain, check and test the rules"}
	cmd.PersistentFlags().StringSliceVar(&dirs, "rules", nil, "folder of further rules; may be repeated")
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List all rules", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return listRules(s, dirs) },
		},
		&cobra.Command{
			Use: "explain ID", Short: "Say what a rule looks for, and how", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return explainRule(cmd.Context(), s, dirs, args[0]) },
		},
		newRulesTest(s, &dirs),
		newRulesLint(s),
		newRulesNew(s),
	)
	return cmd
}

func listRules(s streams, dirs []string) error {
	engine, err := loadEngine(dirs)
	if engine == nil {
		return err
	}
	for _, r := range engine.Rules() {
		if _, err := fmt.Fprintf(s.Out, "%-9s %-14s %-36s %s\n", r.Severity, r.Category, r.ID, r.Title); err != nil {
			return err
		}
	}
	return err
}

func explainRule(ctx context.Context, s streams, dirs []string, id string) error {
	engine, err := loadEngine(dirs)
	if engine == nil {
		return err
	}
	for _, r := range engine.Rules() {
		if r.ID == id {
			if _, err := fmt.Fprint(s.Out, explanation(r)); err != nil {
				return err
			}
			return showExample(ctx, s, engine, r)
		}
	}
	return usage("no rule has id %q; zbundle rules list shows all", id)
}

// proofOf says what a built-in rule was last tried on.
func proofOf(r *rules.Rule) string {
	proofs, err := rules.Proofs()
	proof := proofs[r.ID]
	switch {
	case err != nil || !r.Builtin || proof.Hash == "":
		return ""
	case proof.Hash != r.Hash:
		return "not since it was changed"
	}
	var parts []string
	if len(proof.Versions) > 0 {
		parts = append(parts, "on recordings of ztunnel "+strings.Join(proof.Versions, ", "))
	}
	if len(proof.Found) > 0 {
		parts = append(parts, "finding "+strings.Join(proof.Found, ", "))
	}
	return strings.Join(parts, "; ")
}

// showExample prints what the rule finds in the world of its first test.
func showExample(ctx context.Context, s streams, engine *analyze.Engine, r *rules.Rule) error {
	f, err := ruletest.Example(ctx, engine, r)
	if err != nil || f == nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Out, "\nFor example:\n"); err != nil {
		return err
	}
	return report.Finding(s.Out, f, (&analyzeOptions{}).printing(s))
}

func newRulesNew(s streams) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "new ID", Short: "Write a rule file to start from, with tests", Args: cobra.ExactArgs(1),
		Example: `  zbundle rules new my-rule -o my-rules/my-rule.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := rules.New(args[0])
			if err != nil {
				return usage("%w", err)
			}
			if file == "" {
				_, err = s.Out.Write(text)
				return err
			}
			return writeNew(file, text)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write, which must not exist; stdout without it")
	return cmd
}

// writeNew writes a file that does not exist yet.
func writeNew(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

func explanation(r *rules.Rule) string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, strings.Join(strings.Fields(value), " "))
		}
	}
	fmt.Fprintf(&b, "%s: %s\n\n", r.ID, r.Title)
	field("severity", string(r.Severity)+" ("+r.Confidence+")")
	field("category", r.Category)
	var needs []string
	for _, n := range r.Needs {
		needs = append(needs, n.Name)
	}
	field("needs", strings.Join(needs, ", "))
	field("looks at", "every one of "+r.For)
	if r.Where != nil {
		field("where", r.Where.Source)
	}
	for _, l := range r.Let {
		field("let", l.Name+" = "+l.Expr.Source)
	}
	field("finds", r.When.Source)
	field("says", r.Message.String())
	field("cause", r.Cause.String())
	field("impact", r.Impact.String())
	field("do", r.Remedy.String())
	field("explains", strings.Join(r.Explains, ", "))
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		field("versions", name+": "+r.Versions[name])
	}
	field("docs", strings.Join(r.Docs, " "))
	field("proven", proofOf(r))
	return b.String()
}
