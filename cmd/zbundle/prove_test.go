package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/internal/sim"
	"github.com/zbundle/zbundle/rules"
)

var prove = flag.Bool("prove", false, "try all rules on planted faults and recorded worlds, and write rules/proven.lock (make prove)")

// TestProve writes rules/proven.lock: over which recorded versions each rule
// decided, and in which planted faults and recorded worlds it found something.
// That they found what they should is what the tests of both hold. It fails,
// and writes nothing, where a trial fails or a rule that had found something
// finds it nowhere any more.
func TestProve(t *testing.T) {
	if !*prove {
		t.Skip("make prove runs it")
	}
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	proofs := map[string]*rules.Proof{}
	for _, r := range set {
		proofs[r.ID] = &rules.Proof{Hash: r.Hash, Versions: []string{}, Found: []string{}}
	}
	dirs, err := filepath.Glob("../../testdata/ztunnel/*/*")
	if err != nil {
		t.Fatal(err)
	}
	var trials []trial
	for _, dir := range dirs {
		trials = append(trials, trial{name: filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir), opts: sim.Options{Replay: dir}})
	}
	for _, name := range faultNames() {
		trials = append(trials, trial{name: name, opts: generated(small, []string{name}, nil)})
	}
	for i, r := range tried(t, trials, false) {
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
			continue
		}
		if i < len(dirs) {
			version := filepath.Base(filepath.Dir(dirs[i]))
			for _, id := range r.result.Decided {
				proofs[id].Versions = added(proofs[id].Versions, version)
			}
		}
		for _, f := range everything(r.result.Findings) {
			proofs[f.ID].Found = added(proofs[f.ID].Found, r.name)
		}
	}
	before, err := rules.Proofs()
	if err != nil {
		t.Fatal(err)
	}
	for id, proof := range proofs {
		if len(before[id].Found) > 0 && len(proof.Found) == 0 {
			t.Errorf("rule %s found something in %s, and finds nothing anywhere now", id, strings.Join(before[id].Found, ", "))
		}
	}
	if t.Failed() {
		t.Fatal("rules/proven.lock was not written")
	}
	text, err := json.MarshalIndent(proofs, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../rules/proven.lock", append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func added(list []string, s string) []string {
	if !slices.Contains(list, s) {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}
