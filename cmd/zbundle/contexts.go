package main

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/zbundle/zbundle/collect"
)

// clustersOf are the flags of each context, of the current one where none is named.
func clustersOf(flags *genericclioptions.ConfigFlags, contexts []string) []*genericclioptions.ConfigFlags {
	if len(contexts) == 0 {
		return []*genericclioptions.ConfigFlags{flags}
	}
	var out []*genericclioptions.ConfigFlags
	for _, name := range contexts {
		one := genericclioptions.NewConfigFlags(true)
		one.Context = &name
		one.KubeConfig, one.CacheDir, one.ClusterName, one.AuthInfoName = flags.KubeConfig, flags.CacheDir, flags.ClusterName, flags.AuthInfoName
		one.APIServer, one.TLSServerName, one.Insecure, one.CAFile = flags.APIServer, flags.TLSServerName, flags.Insecure, flags.CAFile
		one.CertFile, one.KeyFile, one.BearerToken = flags.CertFile, flags.KeyFile, flags.BearerToken
		one.Impersonate, one.ImpersonateUID, one.ImpersonateGroup = flags.Impersonate, flags.ImpersonateUID, flags.ImpersonateGroup
		one.DisableCompression = flags.DisableCompression
		out = append(out, one)
	}
	return out
}

// reached tells how to reach each cluster, and what its context is called.
func reached(kubes []*genericclioptions.ConfigFlags) (clusters []collect.Cluster, names []string, err error) {
	for _, kube := range kubes {
		config, err := restConfig(kube)
		if err != nil {
			return nil, nil, err
		}
		name := contextName(kube)
		if slices.Contains(names, name) {
			return nil, nil, usage("the context %q is given twice", name)
		}
		clusters, names = append(clusters, collect.Cluster{Context: name, Config: config}), append(names, name)
	}
	return clusters, names, nil
}

// printPlans prints the plan of each cluster.
func printPlans(ctx context.Context, s streams, flags *planFlags, kubes []*genericclioptions.ConfigFlags) error {
	for _, kube := range kubes {
		if len(kubes) > 1 {
			fmt.Fprintf(s.Out, "# cluster %s\n", contextName(kube))
		}
		one := *flags
		one.kube = kube
		if err := printPlan(ctx, s, &one); err != nil {
			return err
		}
	}
	return nil
}
