package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
			RunE: func(_ *cobra.Command, args []string) error { return explainRule(s, dirs, args[0]) },
		},
		newRulesTest(s, &dirs),
		newRulesLint(s),
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

func explainRule(s streams, dirs []string, id string) error {
	engine, err := loadEngine(dirs)
	if engine == nil {
		return err
	}
	for _, r := range engine.Rules() {
		if r.ID == id {
			_, err := fmt.Fprint(s.Out, explanation(r))
			return err
		}
	}
	return usage("no rule has id %q; zbundle rules list shows all", id)
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
	field("docs", strings.Join(r.Docs, " "))
	return b.String()
}
