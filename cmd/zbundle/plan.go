package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/collect"
)

func newPlan(s streams) *cobra.Command {
	flags := newPlanFlags()
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print every request that collect would make, and what it would come to",
		Long: `plan prints every request that collect would make with the same flags, for each
target with the bytes and the time that it is expected to take, and which of the
rights that it needs are not there. To know that, it asks the API server for its
version and groups, lists pods and nodes, asks for the memory in use and reviews
your rights; no pod is asked anything.`,
		Example: `  zbundle plan
  zbundle plan --for shop/catalog --no-logs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return printPlan(cmd.Context(), s, flags) },
	}
	flags.add(cmd)
	return cmd
}

func printPlan(ctx context.Context, s streams, flags *planFlags) error {
	opts, err := flags.options()
	if err != nil {
		return err
	}
	config, err := flags.kube.rest()
	if err != nil {
		return err
	}
	plan, err := collect.PlanOf(ctx, config, opts)
	if err != nil {
		return err
	}
	planText(s.Out, plan)
	return nil
}
