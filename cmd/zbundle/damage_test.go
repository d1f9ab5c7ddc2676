package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/internal/sim"
	"github.com/zbundle/zbundle/rules"
)

// damages are what happens to files on their way to a reader.
var damages = map[string]func(t *testing.T, file string, content []byte){
	"lost": func(*testing.T, string, []byte) {},
	"cut in half": func(t *testing.T, file string, content []byte) {
		write(t, file, content[:len(content)/2])
	},
	"overwritten": func(t *testing.T, file string, content []byte) {
		write(t, file, []byte(strings.Repeat("\x00\xff", len(content)/2)))
	},
	"emptied": func(t *testing.T, file string, _ []byte) { write(t, file, nil) },
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamageToAHealthyBundleIsNoFinding loses and breaks each file of a
// healthy mesh's bundle in turn: what can't be read is undecided, at the worst.
func TestDamageToAHealthyBundleIsNoFinding(t *testing.T) {
	_, bundle := examine(t, built(t), sim.Options{Generate: &sim.Generate{Nodes: 3, Workloads: 12, Seed: 3, Version: "1.30.3"}})
	dir := t.TempDir()
	if out, err := exec.Command("tar", "xzf", bundle, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	dir = filepath.Join(dir, strings.TrimSuffix(filepath.Base(bundle), ".tgz"))
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for how, damage := range damages {
			// The other names of a hard link keep their content.
			aside := filepath.Join(t.TempDir(), "aside")
			if err := os.Rename(file, aside); err != nil {
				return err
			}
			damage(t, file, content)
			src, err := source.Open(t.Context(), []string{dir}, source.Options{})
			if err == nil {
				var r *result.Result
				if r, err = analyze.Analyze(t.Context(), src, engine, analyze.Options{}); err == nil && r.FoundAt(result.Notice) {
					t.Errorf("%s %s: found %s: %s", strings.TrimPrefix(file, dir+"/"), how, r.Findings[0].ID, r.Findings[0].Message)
				}
			}
			if err != nil && !strings.HasSuffix(file, "zbundle.json") {
				t.Errorf("%s %s: %v", strings.TrimPrefix(file, dir+"/"), how, err)
			}
			if err := os.Rename(aside, file); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
