package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/pseudonym"
	"github.com/zbundle/zbundle/collect"
)

func newAnonymize(s streams) *cobra.Command {
	var output, names string
	var force bool
	var keys []string
	var to encryption
	cmd := &cobra.Command{
		Use:   "anonymize BUNDLE -o FILE",
		Short: "Write a bundle anew with pseudonyms for all names and addresses",
		Long: `anonymize writes a bundle anew, with pseudonyms for the names of namespaces,
pods, services, nodes, hosts and identities, for labels' values and addresses,
wherever they occur. What they stand for goes into a map beside it, which is
for you to keep: zbundle reveal puts the names back into a report. The bundle
can be analyzed as before, with the same findings.
` + exitHelp,
		Example: `  zbundle anonymize bundle.tgz -o ticket.tgz
  zbundle reveal ticket.tgz.names.json report.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usage("anonymize needs a file to write: zbundle anonymize %s -o FILE", args[0])
			}
			names, err := mapOf(output, names)
			if err != nil {
				return err
			}
			opts := bundle.CreateOptions{Force: force, Stdout: s.Out}
			if opts.Recipients, err = to.recipients(); err != nil {
				return err
			}
			r, err := openBundle(s, args[0], keys)
			if err != nil {
				return err
			}
			if _, err := pseudonym.Rewrite(cmd.Context(), r, output, names, opts); err != nil {
				return err
			}
			printRepairs(s, r)
			fmt.Fprintf(s.Err, "names:   %s (keep it: it is no part of the bundle)\n", names)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "", "file to write, ending in .tgz, .tar.zst or .tar; - for stdout")
	f.BoolVar(&force, "force", false, "replace the files if they are there")
	namesFlag(cmd, &names)
	keyFlag(cmd.Flags(), &keys)
	encryptionFlags(cmd, &to)
	return cmd
}

func newReveal(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "reveal MAP [FILE]",
		Short: "Put the names back into a report on an anonymized bundle",
		Long: `reveal copies a report, or any other text, with the names and addresses put
back that a bundle's pseudonyms stand for. MAP is what collect --anonymize or
anonymize wrote beside the bundle. Without FILE, or with -, it reads stdin.
` + exitHelp,
		Example: `  zbundle reveal ticket.tgz.names.json report.txt
  zbundle analyze -o json ticket.tgz | zbundle reveal ticket.tgz.names.json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := pseudonym.ReadMap(args[0])
			if err != nil {
				return err
			}
			in, err := openText(s, args[1:])
			if err != nil {
				return err
			}
			defer in.Close()
			return m.Reveal(s.Out, in)
		},
	}
}

// pseudonyms says whether a collection gives them, and where the map goes.
type pseudonyms struct {
	wanted bool
	names  string
}

func (p pseudonyms) apply(opts *collect.Options) (err error) {
	switch {
	case !p.wanted && p.names != "":
		return usage("--names is for --anonymize")
	case !p.wanted:
		return nil
	case opts.KeepPEM:
		return usage("--keep-pem and --anonymize exclude each other: names stand in certificates")
	case opts.Shard != nil:
		return usage("--shard and --anonymize exclude each other: merge the shards, then zbundle anonymize what comes of it")
	}
	opts.Names, err = mapOf(opts.Output, p.names)
	return err
}

// fileName is what a bundle's name tells of the cluster.
func (p pseudonyms) fileName(context string) string {
	if p.wanted {
		return "anonymous"
	}
	return fileName(context)
}

func namesFlag(cmd *cobra.Command, names *string) {
	cmd.Flags().StringVar(names, "names", "", "file for what the pseudonyms stand for (default: the bundle's name and .names.json)")
}

// mapOf is the file for the map of a bundle's pseudonyms.
func mapOf(output, names string) (string, error) {
	if names != "" {
		return names, nil
	}
	if output == bundle.Stdout {
		return "", usage("a bundle to stdout has no file to put the names beside: give one with --names FILE")
	}
	return output + ".names.json", nil
}

func openText(s streams, args []string) (io.ReadCloser, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.NopCloser(s.In), nil
	}
	f, err := os.Open(args[0])
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file", args[0])
	}
	return f, err
}
