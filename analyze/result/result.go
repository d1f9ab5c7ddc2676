// Package result is what an analysis says, as plain data: findings with their
// subjects and evidence, and what could not be decided. It imports nothing of
// zbundle, so that whatever prints or compares results needs nothing else.
package result

import "slices"

// Format is the version of Result's JSON form.
const Format = 1

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
	Suppressions []Suppression `json:"suppressions"`
	// InFlight is what changed while the collection ran: differences about it are no findings.
	InFlight []*Change `json:"inFlight"`
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
	Ztunnels Count     `json:"ztunnels"`
	Istiods  Count     `json:"istiods"`
	CNIs     Count     `json:"cnis"`
	Read     Read      `json:"read"`
	Rules    RuleCount `json:"rules"`
	Problems []Problem `json:"problems"` // entries that were refused or could not be read
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

// Count is how many of a kind were read, of how many there are.
type Count struct {
	Read  int `json:"read"`
	Total int `json:"total"`
}

// Problem is an entry that was refused or could not be read.
type Problem struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Change is a thing that changed while the collection ran, by two looks at the
// same plane. What other planes say of it may be of before or of after: no
// difference between them is a fault.
type Change struct {
	Subject Subject `json:"subject"`
	// What happened: "came", "went", or "changed: <fields>"; and who says so.
	What string `json:"what"`
	// Rules are the ids of those that it would have been a finding of.
	Rules    []string   `json:"rules"`
	Evidence []Evidence `json:"evidence"`
}

// Undecided is a rule that lacked what it needs, or a part of it: then it may
// have found something all the same.
type Undecided struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Reasons []string `json:"reasons"`
}

// TooYoung is a rule with the subjects that it could not judge yet.
type TooYoung struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Subjects []Subject `json:"subjects"`
}

// RuleCount is how many rules ended in which way.
type RuleCount struct {
	Total         int `json:"total"`
	Decided       int `json:"decided"`
	Undecided     int `json:"undecided"`
	NotApplicable int `json:"notApplicable"`
}

// Suppression is one that was asked for, with what it did.
type Suppression struct {
	ID      string `json:"id"`      // of a rule, or a pattern: "hbone-*"
	Subject string `json:"subject"` // pattern of "<namespace>/<name>", or of a name without namespace; "" for all
	Reason  string `json:"reason"`
	// Expires is the day from which on it suppresses nothing, "2027-01-31"; "" for never.
	Expires  string `json:"expires"`
	Expired  bool   `json:"expired"`
	Subjects int    `json:"subjects"` // that it suppressed
}

// Judge is the verdict on findings at or above a severity.
func (r *Result) Judge(failOn Severity) Verdict {
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
func (r *Result) FoundAt(failOn Severity) bool { return foundAt(r.Findings, failOn) }

func foundAt(findings []*Finding, failOn Severity) bool {
	return slices.ContainsFunc(findings, func(f *Finding) bool { return f.Severity.AtLeast(failOn) })
}
