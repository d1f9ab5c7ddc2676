package load_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/rules"
)

type object = map[string]any

// changedWorld is a folder with the healthy world in it, of which change has edited each object of some lists.
func changedWorld(t *testing.T, change map[string]func(object)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../ruletest/worlds/healthy")); err != nil {
		t.Fatal(err)
	}
	for file, edit := range change {
		path := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Items []object `json:"items"`
		}
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			edit(o)
		}
		if data, err = json.Marshal(list); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func analyzed(t *testing.T, dir string) *result.Result {
	t.Helper()
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.Open(context.Background(), []string{dir}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := analyze.Analyze(context.Background(), src, engine, analyze.Options{File: dir})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// renamed makes a ztunnel, or the template of some, one that only its arguments tell.
func renamed(meta, spec object) {
	labels := meta["labels"].(object)
	if labels["app"] != "ztunnel" {
		return
	}
	labels["app"] = "node-proxy"
	delete(labels, "app.kubernetes.io/name")
	spec["containers"].([]any)[0].(object)["args"] = []string{"proxy", "ztunnel"}
}

func TestAZtunnelThatOnlyItsArgumentsTellIsJudgedLikeAnyOther(t *testing.T) {
	daemonSets := func(o object) {
		template := o["spec"].(object)["template"].(object)
		renamed(template["metadata"].(object), template["spec"].(object))
	}
	dir := changedWorld(t, map[string]func(object){
		"cluster/apps/daemonsets.json": daemonSets,
		"cluster/core/pods.json": func(o object) {
			renamed(o["metadata"].(object), o["spec"].(object))
			if o["metadata"].(object)["name"] == "ztunnel-a" {
				status := o["status"].(object)["containerStatuses"].([]any)[0].(object)
				status["restartCount"] = 3
				status["lastState"] = object{"terminated": object{"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-24T13:50:00Z"}}
			}
		},
	})
	result := analyzed(t, dir)
	var found []string
	for _, f := range result.Findings {
		found = append(found, f.ID)
	}
	if !slices.Equal(found, []string{"ztunnel-crashloop"}) {
		t.Errorf("found %v, want the ztunnel that was killed for its memory", found)
	}
	healthy := analyzed(t, changedWorld(t, nil))
	if len(result.Undecided) != len(healthy.Undecided) {
		t.Errorf("undecided are %v, and %v where the ztunnels have their usual labels", result.Undecided, healthy.Undecided)
	}
}
