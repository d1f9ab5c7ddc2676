package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/ui"
)

func newMerge(s streams) *cobra.Command {
	var keys []string
	var to encryption
	var output string
	opts := bundle.CreateOptions{Stdout: s.Out}
	cmd := &cobra.Command{
		Use:   "merge SHARD... -o FILE",
		Short: "Put the shards of one collection together",
		Long: `merge makes one bundle of those that collect --shard wrote: the same as one
unsharded run would have written. Where a shard is missing or damaged, the
bundle says so, and analyze takes its part for unknown and not for healthy.
` + exitHelp,
		Example: `  zbundle merge shard-0.tgz shard-1.tgz shard-2.tgz -o mesh.tgz`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usage("merge needs a file to write: -o FILE")
			}
			var err error
			if opts.Recipients, err = to.recipients(); err != nil {
				return err
			}
			shards, err := openShards(s, args, keys)
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context(), func() { _ = bundle.RemovePartial(output) }) // nobody waits for its error
			defer stop()
			merged, err := bundle.Merge(ctx, shards, output, opts)
			if err != nil {
				return err
			}
			printMerged(s, merged)
			if !merged.Complete {
				return &exitError{code: exitGaps}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "", "file to write, ending in .tgz, .tar.zst or .tar; - for stdout")
	f.BoolVar(&opts.Force, "force", false, "replace the file if it is there")
	keyFlag(cmd.Flags(), &keys)
	encryptionFlags(cmd, &to)
	return cmd
}

func openShards(s streams, names, keys []string) ([]*bundle.Reader, error) {
	var shards []*bundle.Reader
	for _, name := range names {
		r, err := openBundle(s, name, keys)
		if err != nil {
			return nil, err
		}
		shards = append(shards, r)
	}
	return shards, nil
}

func printMerged(s streams, m *bundle.Merged) {
	for _, p := range m.Problems {
		fmt.Fprintf(s.Err, "%q: %q\n", p.Path, p.Text)
	}
	fmt.Fprintf(s.Err, "%s: %s, %d entries of %d of %d shards\n", m.File, ui.Size(m.Bytes), m.Entries, m.Shards.Of-len(m.Shards.Missing), m.Shards.Of)
	if !m.Complete {
		fmt.Fprintf(s.Err, "missing: %q\n", m.Incomplete)
	}
	fmt.Fprintf(s.Err, "next:    zbundle analyze %s\n", m.File)
}
