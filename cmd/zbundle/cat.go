package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/zbundle/zbundle/bundle"
)

func newCat(s streams) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "cat BUNDLE PATH",
		Short: "Print one entry of a bundle, or a ztunnel's whole config dump",
		Long: `cat prints what stands at a path of the bundle. What several ztunnels share is
stored once and reconstructed: nodes/NODE/ztunnel/POD/config_dump.json is that
ztunnel's whole config dump, which istioctl reads too. What was served and is
not in the bundle is told on stderr.
` + exitHelp,
		Example: `  zbundle cat bundle.tgz manifest.json
  zbundle cat bundle.tgz nodes/worker-1/ztunnel/ztunnel-x7k2p/config_dump.json > dump.json
  istioctl ztunnel-config workload -f dump.json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := openBundle(s, args[0], keys)
			if err != nil {
				return err
			}
			withheld, err := r.Cat(cmd.Context(), args[1], s.Out)
			for _, what := range withheld {
				fmt.Fprintf(s.Err, "not in the bundle: %s\n", what)
			}
			printRepairs(s, r)
			return err
		},
	}
	keyFlag(cmd.Flags(), &keys)
	return cmd
}

// openBundle opens a bundle by its name, "-" for stdin.
func openBundle(s streams, name string, keyFiles []string) (*bundle.Reader, error) {
	keys, err := bundle.Identities(keyFiles)
	if err != nil {
		return nil, err
	}
	if name == bundle.Stdout {
		return bundle.OpenStream(s.In, keys...)
	}
	return bundle.Open(name, keys...)
}

// printRepairs says on stderr what of the bundle was read in spite of a defect.
func printRepairs(s streams, r *bundle.Reader) {
	for _, p := range r.Problems() {
		if p.Repaired {
			fmt.Fprintf(s.Err, "repaired: %s: %s\n", p.Path, p.Text)
		}
	}
}

func keyFlag(f *pflag.FlagSet, keys *[]string) {
	f.StringArrayVarP(keys, "identity", "i", nil, "file with the age key that opens an encrypted bundle; may be repeated")
}
