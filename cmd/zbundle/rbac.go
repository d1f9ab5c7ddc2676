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
	flags := newPlanFlags()
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the roles and bindings that collect needs",
		Long: `rbac prints the smallest roles with which collect, called with the same flags,
misses nothing in this cluster: objects are listed in all namespaces, unless
--namespace says where, and pods are reached and their logs read only where
istiod, ztunnel, istio-cni and gateways run, and where waypoints do with
--waypoints. With --mesh-namespace no cluster is asked: the roles are for one that
serves everything, with the mesh's parts in these namespaces.`,
		Example: `  zbundle rbac --user alice | kubectl apply -f -
  zbundle rbac --serviceaccount support/zbundle --mesh-namespace istio-system --mesh-namespace kube-system`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := subjectOf(user, account)
			if err != nil {
				return err
			}
			opts, err := flags.options()
			if err != nil {
				return err
			}
			if len(namespaces) > 0 {
				return printRights(s, collect.RightsIn(namespaces, opts, rolesName, subject))
			}
			config, err := flags.kube.rest()
			if err != nil {
				return err
			}
			rights, err := collect.RightsFor(cmd.Context(), config, opts, rolesName, subject)
			if err != nil {
				return err
			}
			return printRights(s, rights)
		},
	}
	flags.add(cmd, "user") // here it is whom to bind to
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "bind to this user")
	f.StringVar(&account, "serviceaccount", "", "bind to this service account (NAMESPACE/NAME)")
	f.StringSliceVar(&namespaces, "mesh-namespace", nil, "ask no cluster: istiod, ztunnel, istio-cni and gateways run in this namespace; may be repeated")
	return cmd
}

// rolesName is that of the roles and bindings.
const rolesName = "zbundle"

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
