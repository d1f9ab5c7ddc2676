package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes, documented in the README.
const (
	exitClean       = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFindings    = 3
	exitUndecided   = 4
	exitGaps        = 5
	exitInterrupted = 130
)

// streams are where a command reads and writes: results go to Out, errors and
// progress to Err.
type streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// exitError ends the command with a code of its own. Without an error behind
// it everything has been said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is an error in how the command was called.
func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

const exitHelp = `
Exit codes:
  0    clean, or done
  1    zbundle itself failed
  2    it was called wrongly
  3    findings at or above --fail-on
  4    no such findings, but some rules could not be decided
  5    collected, but with gaps
  130  interrupted; what was collected is kept`

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "zbundle",
		Short: "Find out what is wrong with an Istio ambient mesh",
		Long: `zbundle collects the state of an Istio ambient mesh into one archive and
analyzes it offline.

  zbundle collect               on a machine that reaches the cluster
  zbundle analyze bundle.tgz    anywhere
` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	root.AddCommand(newCollect(s), newPlan(s), newAnalyze(s), newCat(s), newVerify(s), newMerge(s), newAnonymize(s), newReveal(s), newRules(s), newRBAC(s), newVersion(s))
	strict(root)
	return root
}

// strict makes wrong arguments an error of usage, in every command.
func strict(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
	if !cmd.HasParent() {
		return // cobra itself reports unknown commands
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			var exit *exitError
			err := check(cmd, args)
			if err == nil || errors.As(err, &exit) {
				return err
			}
			return usage("%s: %w", cmd.CommandPath(), err)
		}
	}
	if !cmd.Runnable() {
		// Cobra would take an unknown command for a call for help.
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return cmd.Help()
		}
	}
}

// run is main without the process: it gives the exit code.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitClean
	}
	code := exitFailed
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
		if exit.err == nil {
			return code
		}
	} else if _, _, errFind := root.Find(args); errFind != nil {
		code = exitUsage // the arguments name no command: this is cobra's only error without an exit code of ours
	}
	fmt.Fprintf(s.Err, "zbundle: %v\n", err)
	if code == exitUsage {
		fmt.Fprintln(s.Err, "Run 'zbundle --help' for usage.")
	}
	return code
}

// terminal is the width of w where it is a terminal.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}
