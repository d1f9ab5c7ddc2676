package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newVerify(s streams) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check every entry of a bundle against its manifest",
		Long: `verify names the entries that are missing, changed or added since the bundle
was written. It tells damage and careless hands; whoever can rewrite an entry
can rewrite the manifest too, so compare the manifest's own hash, which verify
prints, with what the bundle's maker sees.
` + exitHelp,
		Example: "  zbundle verify bundle.tgz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := openBundle(s, args[0], keys)
			if err != nil {
				return err
			}
			v, err := r.Verify(cmd.Context())
			if err != nil {
				return err
			}
			for _, list := range []struct {
				what  string
				paths []string
			}{{"missing", v.Missing}, {"changed", v.Changed}, {"added", v.Added}} {
				for _, path := range list.paths {
					fmt.Fprintf(s.Out, "%s  %q\n", list.what, path)
				}
			}
			for _, p := range v.Problems {
				what := "unreadable"
				if p.Repaired {
					what = "repaired"
				}
				fmt.Fprintf(s.Out, "%s  %q: %q\n", what, p.Path, p.Text)
			}
			fmt.Fprintf(s.Out, "%d entries are as they were written; the manifest's sha256 is %s\n", v.Entries, v.Manifest)
			if !v.OK() {
				return fmt.Errorf("%s is not what was written", args[0])
			}
			return nil
		},
	}
	keyFlag(cmd.Flags(), &keys)
	return cmd
}
