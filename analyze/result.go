package analyze

import (
	"context"
	"fmt"
	"slices"

	"github.com/zbundle/zbundle/analyze/load"
	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/rules"
)

// ResultFormat is the version of Result's JSON form.
const ResultFormat = 1

// Result is what `analyze -o json` prints; docs/result.md describes it.
type Result struct {
	Format       int          `json:"format"`
	Tool         string       `json:"tool"`
	Bundle       Bundle       `json:"bundle"`
	Verdict      Verdict      `json:"verdict"`
	Completeness Completeness `json:"completeness"`
	Findings     []*Finding   `json:"findings"`
	// Past are findings that came and went before the capture.
	Past       []*Finding  `json:"past"`
	TooYoung   []TooYoung  `json:"tooYoung"`
	Decided    []string    `json:"decided"` // rules that could look, and had something to look at
	Undecided  []Undecided `json:"undecided"`
	Suppressed []*Finding  `json:"suppressed"`
	// Suppressions are those that were asked for, with what each did.
	Suppressions []SuppressionUse `json:"suppressions"`
	// InFlight is what changed while the collection ran: differences about it are no findings.
	InFlight []*mesh.Change `json:"inFlight"`
}

// Bundle is what was analyzed.
type Bundle struct {
	File     string `json:"file"`
	Cluster  string `json:"cluster"`  // of several, their names parted by ", "
	Captured string `json:"captured"` // RFC 3339; "" where it is not known
	Complete bool   `json:"complete"`
}

// Verdict is the result in a word.
type Verdict string

const (
	Clean       Verdict = "clean"    // every rule decided, and none found a fault
	HasFindings Verdict = "findings" // faults: warnings or worse
	// IsSuppressed stands for faults that were all suppressed or known from a baseline.
	IsSuppressed Verdict = "suppressed"
	IsUndecided  Verdict = "undecided" // no fault found, but not all rules could look
)

// Completeness says how much of the evidence is there.
type Completeness struct {
	Ztunnels load.Count       `json:"ztunnels"`
	Istiods  load.Count       `json:"istiods"`
	CNIs     load.Count       `json:"cnis"`
	Read     Read             `json:"read"`
	Rules    RuleCount        `json:"rules"`
	Problems []bundle.Problem `json:"problems"` // entries that were refused or could not be read
}

// foreign is the error for an archive of something else.
func foreign(file string, s *load.Summary) error {
	err := fmt.Errorf("%s: this is no bundle: it holds no zbundle.json, and nothing else that zbundle knows", file)
	if len(s.Problems) > 0 {
		err = fmt.Errorf("%w (%s: %s)", err, s.Problems[0].Path, s.Problems[0].Text)
	}
	return err
}

// Read counts what the model of the mesh was made of.
type Read struct {
	Pods         int `json:"pods"`
	Workloads    int `json:"workloads"` // as istiod or any ztunnel knows them
	Services     int `json:"services"`
	Policies     int `json:"policies"`
	Certificates int `json:"certificates"`
	Flows        int `json:"flows"` // by source, destination and how they went
}

func counts(clusters []*mesh.Mesh) Read {
	var r Read
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
	Baseline     Baseline
}

// Analyze loads what src holds and runs the rules over it.
func Analyze(ctx context.Context, src load.Source, engine *Engine, opts Options) (*Result, error) {
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
		f.showOrigins(summary)
	}
	r := &Result{
		Format: ResultFormat, Tool: opts.Tool,
		Bundle: Bundle{File: opts.File, Cluster: clusterNames(m)},
		Completeness: Completeness{
			Ztunnels: summary.Ztunnels, Istiods: summary.Istiods, CNIs: summary.CNIs,
			Read: counts(m.Clusters()), Rules: outcome.Rules, Problems: nonNil(summary.Problems),
		},
		Findings: nonNil(outcome.Findings), Past: nonNil(outcome.Past), TooYoung: nonNil(outcome.TooYoung), Decided: nonNil(outcome.Decided), Undecided: nonNil(outcome.Undecided), Suppressed: nonNil(outcome.Suppressed), Suppressions: nonNil(outcome.Suppressions),
		InFlight: nonNil(outcome.InFlight),
	}
	if m.CapturedKnown {
		r.Bundle.Captured = rfc3339(m.Captured)
	}
	if summary.Manifest != nil {
		r.Bundle.Complete = summary.Manifest.Complete
	}
	r.Verdict = r.verdict(rules.Warning)
	return r, nil
}

// verdict judges findings at or above a severity.
func (r *Result) verdict(failOn rules.Severity) Verdict {
	switch {
	case r.FoundAt(failOn):
		return HasFindings
	case foundAt(r.Suppressed, failOn):
		return IsSuppressed
	case len(r.Undecided) > 0:
		return IsUndecided
	}
	return Clean
}

// FoundAt is true where there is a finding at or above a severity.
func (r *Result) FoundAt(failOn rules.Severity) bool { return foundAt(r.Findings, failOn) }

func foundAt(findings []*Finding, failOn rules.Severity) bool {
	severities := rules.Severities()
	limit := slices.Index(severities, failOn)
	return slices.ContainsFunc(findings, func(f *Finding) bool { return slices.Index(severities, f.Severity) <= limit })
}
