package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/zbundle/zbundle/collect"
)

func newRBAC(s streams) *cobra.Command {
	var user, account string
	var namespaces []string
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the roles and bindings that collect needs",
		Long: `rbac prints the smallest roles with which collect misses nothing: objects are
listed in all namespaces, and pods reached and their logs read only where the
mesh's own parts run. Give every such namespace with --mesh-namespace.`,
		Example: `  zbundle rbac --user alice | kubectl apply -f -
  zbundle rbac --serviceaccount support/zbundle --mesh-namespace istio-system --mesh-namespace kube-system`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			subject, err := subjectOf(user, account)
			if err != nil {
				return err
			}
			return printRights(s, collect.RightsFor("zbundle", subject, namespaces))
		},
	}
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "bind to this user")
	f.StringVar(&account, "serviceaccount", "", "bind to this service account (NAMESPACE/NAME)")
	f.StringSliceVar(&namespaces, "mesh-namespace", []string{"istio-system"}, "namespace of istiod, ztunnel, istio-cni or gateways; may be repeated")
	return cmd
}

func subjectOf(user, account string) (rbacv1.Subject, error) {
	namespace, name, ok := strings.Cut(account, "/")
	switch {
	case user != "" && account == "":
		return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}, nil
	case user == "" && ok && namespace != "" && name != "":
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}, nil
	}
	return rbacv1.Subject{}, usage("say whom to bind to: --user NAME or --serviceaccount NAMESPACE/NAME")
}

func printRights(s streams, r collect.Rights) error {
	for _, object := range r.Objects() {
		text, err := yaml.Marshal(object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
