package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/collect"
)

// clustersOf tells how to reach each context, the current one where none is named.
func clustersOf(kube kubeconfig, contexts []string) []kubeconfig {
	if len(contexts) == 0 {
		return []kubeconfig{kube}
	}
	var out []kubeconfig
	for _, name := range contexts {
		out = append(out, kube.of(name))
	}
	return out
}

// reached tells how to reach each cluster, and what its context is called.
func reached(kubes []kubeconfig) (clusters []collect.Cluster, names []string, err error) {
	for _, kube := range kubes {
		config, err := kube.rest()
		if err != nil {
			return nil, nil, err
		}
		name := kube.context()
		if slices.Contains(names, name) {
			return nil, nil, usage("the context %q is given twice", name)
		}
		clusters, names = append(clusters, collect.Cluster{Context: name, Config: config}), append(names, name)
	}
	return clusters, names, nil
}

// printPlans prints the plan of each cluster.
func printPlans(ctx context.Context, s streams, flags *planFlags, kubes []kubeconfig) error {
	for _, kube := range kubes {
		if len(kubes) > 1 {
			fmt.Fprintf(s.Out, "# cluster %s\n", kube.context())
		}
		one := *flags
		one.kube = kube
		if err := printPlan(ctx, s, &one); err != nil {
			return err
		}
	}
	return nil
}
