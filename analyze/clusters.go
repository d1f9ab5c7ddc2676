package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/analyze/result"
)

// runClusters judges each cluster by its own planes, and tells what came of
// all of them as one.
func (e *Engine) runClusters(ctx context.Context, clusters []*mesh.Mesh, suppressions []Suppression) (*Outcome, error) {
	all := &Outcome{}
	decided, undecided := map[string]bool{}, map[string]*result.Undecided{}
	for _, m := range clusters {
		out, err := e.runOne(ctx, m, suppressions)
		if err != nil {
			return nil, err
		}
		for _, f := range slices.Concat(out.Findings, out.Past, out.Suppressed) {
			nameCluster(f, m.Cluster)
		}
		all.Findings = append(all.Findings, out.Findings...)
		all.Suppressed = append(all.Suppressed, out.Suppressed...)
		all.Past = append(all.Past, out.Past...)
		all.TooYoung = append(all.TooYoung, out.TooYoung...)
		all.InFlight = append(all.InFlight, out.InFlight...)
		all.add(out.Suppressions)
		for _, id := range out.Decided {
			decided[id] = true
		}
		for _, u := range out.Undecided {
			known := undecided[u.ID]
			if known == nil {
				known = &result.Undecided{ID: u.ID, Title: u.Title}
				undecided[u.ID] = known
			}
			for _, reason := range u.Reasons {
				known.Reasons = append(known.Reasons, "cluster "+m.Cluster+": "+reason)
			}
		}
	}
	rank(all.Findings)
	rank(all.Past)
	all.Rules.Total = len(e.rules)
	for _, r := range e.rules {
		switch u := undecided[r.ID]; {
		case u != nil:
			all.Undecided = append(all.Undecided, *u)
			all.Rules.Undecided++
		case decided[r.ID]:
			all.Decided = append(all.Decided, r.ID)
			all.Rules.Decided++
		default:
			all.Rules.NotApplicable++
		}
	}
	return all, nil
}

// add counts what the suppressions, the same for every cluster, took in one of them.
func (out *Outcome) add(uses []SuppressionUse) {
	if out.Suppressions == nil {
		out.Suppressions = uses
		return
	}
	for i, u := range uses {
		out.Suppressions[i].Subjects += u.Subjects
	}
}

func nameCluster(f *result.Finding, name string) {
	f.Cluster = name
	for _, s := range f.Explains {
		nameCluster(s, name)
	}
}

// clusterNames are those of all clusters of the bundle.
func clusterNames(m *mesh.Mesh) string {
	var names []string
	for _, c := range m.Clusters() {
		names = append(names, c.Cluster)
	}
	return strings.Join(names, ", ")
}
