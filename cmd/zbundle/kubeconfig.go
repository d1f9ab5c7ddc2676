package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeconfig says which cluster is meant and how to reach it, as kubectl's flags do.
type kubeconfig struct {
	file      string
	overrides clientcmd.ConfigOverrides
}

// add adds kubectl's flags but those that the command has for itself.
func (k *kubeconfig) add(f *pflag.FlagSet, own ...string) {
	f.StringVar(&k.file, "kubeconfig", "", "path to the kubeconfig file")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ClusterOverrideFlags.APIServer.ShortName = "s"
	// The mesh is looked for everywhere: --namespace is zbundle's own. So is --request-timeout.
	names.ContextOverrideFlags.Namespace.LongName, names.Timeout.LongName = "", ""
	names.AuthOverrideFlags.Username.LongName, names.AuthOverrideFlags.Password.LongName = "", ""
	for _, flag := range []*clientcmd.FlagInfo{&names.CurrentContext, &names.ContextOverrideFlags.AuthInfoName} {
		for _, name := range own {
			if flag.LongName == name {
				flag.LongName = ""
			}
		}
	}
	clientcmd.BindOverrideFlags(&k.overrides, f, names)
}

// of is the same for another context.
func (k kubeconfig) of(context string) kubeconfig {
	k.overrides.CurrentContext = context
	return k
}

func (k kubeconfig) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = k.file
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &k.overrides)
}

// rest tells how to reach the cluster: by the kubeconfig, else, in a pod, by its service account.
func (k kubeconfig) rest() (*rest.Config, error) {
	config, err := k.loader().ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		err = inCluster()
	}
	if err != nil {
		return nil, fmt.Errorf("no cluster to collect from: %w (give --kubeconfig FILE or set KUBECONFIG)", err)
	}
	return config, nil
}

// inCluster says what keeps a run without kubeconfig from its own pod's cluster.
func inCluster() error {
	_, err := rest.InClusterConfig()
	switch {
	case errors.Is(err, rest.ErrNotInCluster):
		return errors.New("there is no kubeconfig")
	case err != nil:
		return fmt.Errorf("there is no kubeconfig, and no service account in this pod: %w", err)
	}
	return nil
}

// context is the name of the context that is meant.
func (k kubeconfig) context() string {
	if k.overrides.CurrentContext != "" {
		return k.overrides.CurrentContext
	}
	raw, err := k.loader().RawConfig()
	if err != nil || raw.CurrentContext == "" {
		return "in-cluster"
	}
	return raw.CurrentContext
}
