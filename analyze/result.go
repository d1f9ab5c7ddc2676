package analyze

import (
	"context"
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/bundle"
)

// foreign is the error for an archive of something else.
func foreign(file string, s *load.Summary) error {
	err := fmt.Errorf("%s: this is no bundle: it holds no zbundle.json, and nothing else that zbundle knows", file)
	if len(s.Problems) > 0 {
		err = fmt.Errorf("%w (%s: %s)", err, s.Problems[0].Path, s.Problems[0].Text)
	}
	return err
}

func counts(clusters []*mesh.Mesh) result.Read {
	var r result.Read
	for _, m := range clusters {
		r.Pods += len(m.Pods)
		r.Workloads += len(m.Workloads)
		r.Services += len(m.Services)
		r.Policies += len(m.Policies)
		r.Certificates += len(m.Certificates)
		r.Flows += len(m.Flows)
	}
	return r
}

// Options of an analysis.
type Options struct {
	Tool string // version of zbundle
	File string // what is analyzed, as the user named it
	// Suppressions and Baseline name findings that are not to be shown among the others.
	Suppressions []Suppression
	Baseline     result.Baseline
}

// Analyze loads what src holds and runs the rules over it.
func Analyze(ctx context.Context, src load.Source, engine *Engine, opts Options) (*result.Result, error) {
	m, summary, err := load.Mesh(ctx, src)
	if err != nil {
		return nil, err
	}
	if summary.Foreign() && len(m.Pods)+len(m.Nodes) == 0 {
		return nil, foreign(opts.File, summary)
	}
	outcome, err := engine.Run(ctx, m, opts.Suppressions...)
	if err != nil {
		return nil, err
	}
	outcome.without(opts.Baseline)
	for _, f := range slices.Concat(outcome.Findings, outcome.Past, outcome.Suppressed) {
		showOrigins(f, summary)
	}
	r := &result.Result{
		Format: result.Format, Tool: opts.Tool,
		Bundle: result.Bundle{File: opts.File, Cluster: clusterNames(m)},
		Completeness: result.Completeness{
			Ztunnels: result.Count(summary.Ztunnels), Istiods: result.Count(summary.Istiods), CNIs: result.Count(summary.CNIs),
			Read: counts(m.Clusters()), Rules: outcome.Rules, Problems: problems(summary.Problems),
		},
		Findings: nonNil(outcome.Findings), Past: nonNil(outcome.Past), TooYoung: nonNil(outcome.TooYoung), Decided: nonNil(outcome.Decided), Undecided: nonNil(outcome.Undecided), Suppressed: nonNil(outcome.Suppressed), Suppressions: uses(outcome.Suppressions),
		InFlight: inFlight(outcome.InFlight),
	}
	if m.CapturedKnown {
		r.Bundle.Captured = rfc3339(m.Captured)
	}
	if summary.Manifest != nil {
		r.Bundle.Complete = summary.Manifest.Complete
	}
	r.Verdict = r.Judge(result.Warning)
	return r, nil
}

// problems are the bundle's, as a result tells them.
func problems(list []bundle.Problem) []result.Problem {
	out := make([]result.Problem, len(list))
	for i, p := range list {
		out[i] = result.Problem{Path: p.Path, Text: p.Text}
	}
	return out
}

// inFlight are the changes that the model found, as a result tells them.
func inFlight(list []*mesh.Change) []*result.Change {
	out := make([]*result.Change, len(list))
	for i, c := range list {
		out[i] = (*result.Change)(c)
	}
	return out
}
