package collect

import (
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/internal/ui"
)

var update = flag.Bool("update", false, "write the tables of docs/safety.md")

const (
	safetyPage  = "../docs/safety.md"
	tablesBegin = "<!-- generated from collect/task.go -->\n"
	tablesEnd   = "<!-- end -->\n"
)

// TestEveryRequestIsDocumented holds docs/safety.md to the tables of tasks:
// `go test ./collect -run Documented -update` writes it.
func TestEveryRequestIsDocumented(t *testing.T) {
	page, err := os.ReadFile(safetyPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), tablesBegin)
	written, tail, ok2 := strings.Cut(rest, tablesEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", safetyPage)
	}
	tables := safetyTables()
	if *update {
		if err := os.WriteFile(safetyPage, []byte(head+tablesBegin+tables+tablesEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		written = tables
	}
	if diff := cmp.Diff(written, tables); diff != "" {
		t.Errorf("docs/safety.md is not what collect does (-written +does); run go test ./collect -run Documented -update:\n%s", diff)
	}
}

func safetyTables() string {
	opts := Options{}.withDefaults()
	everywhere := &scope{opts: opts, survey: newSurvey("", opts), rights: newRights(nil, 0)}
	var b strings.Builder
	b.WriteString("\n| task | asked | kept | needs | at most | within |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, task := range slices.Concat(podTasks, secondLooks(podTasks)) {
		asked := fmt.Sprintf("`GET 127.0.0.1:%d%s` through port-forward", task.port, task.path)
		switch task.form {
		case podLog:
			asked = "`GET …/pods/POD/log`"
		case podLogOld:
			asked = "`GET …/pods/POD/log?previous=true`, where it restarted"
		case perProxy:
			asked += ", for each ztunnel that it serves"
		}
		if task.onPodAddress {
			asked += ", or the API server's pod proxy"
		}
		kept := keptAs[task.form]
		if task.again && path.Base(task.file) == layout.Metrics {
			kept = "lines that changed, leaks cut out"
		}
		need := everywhere.needs(task, target{kind: task.kind, namespace: "…"})[0]
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` `%s` | %s | %s |\n", task.id, asked, kept, need.verb, need.resource, ui.Size(task.limit), max(task.timeout, opts.RequestTimeout))
	}
	b.WriteString("\n| task | asked | kept | needs | at most | within |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, task := range objectTasks {
		asked, verb := fmt.Sprintf("list, pages of %d", pageSize), "list"
		switch {
		case task.form == asNamed:
			asked, verb = "get, by name: "+strings.Join(task.names, ", "), "get"
		case task.form == asNames:
			asked = fmt.Sprintf("list of names alone, pages of %d, after all else,", pageSize)
		case task.form == asUse && task.namespaced:
			asked += ", in the namespaces of istiod and ztunnel"
		}
		fmt.Fprintf(&b, "| `%s` | %s of %s | %s | `%s` | %s | %s |\n", task.id, asked, strings.Join(task.versions, ", else "), keptAs[task.form], verb, ui.Size(task.limit), opts.RequestTimeout*4)
	}
	b.WriteString("\n")
	return b.String()
}

// keptAs says what becomes of an answer.
var keptAs = map[form]string{
	asIs:      "as served, leaks cut out",
	asDump:    "by sections; certificates as facts",
	asReady:   "status and body",
	asMesh:    "keys on a list",
	podLog:    "its beginning and its newest part, leaks cut out",
	podLogOld: "its beginning and its newest part, leaks cut out",
	asLists:   "sorted, shared, leaks cut out",
	perProxy:  "as served, shared, leaks cut out",
	asList:    "fields on a list",
	asNamed:   "keys on a list",
	asNames:   "names of pods that came or went",
	asUse:     "not kept: it guards dumps",
}

// TestNoTaskNeedsARightToSecrets keeps them out of the table for good.
func TestNoTaskNeedsARightToSecrets(t *testing.T) {
	opts := Options{}.withDefaults()
	s := &scope{opts: opts, survey: newSurvey("", opts), rights: newRights(nil, 0)}
	reaches := func(task task) bool {
		return slices.ContainsFunc(s.needs(task, target{kind: task.kind, namespace: "shop"}), func(x right) bool {
			return x.resource == "secrets" || strings.HasPrefix(x.resource, "secrets/") || x.resource == "*" || x.verb == "*"
		})
	}
	for _, task := range tasks {
		if reaches(task) {
			t.Errorf("%s reads Secrets", task.id)
		}
	}
	named := get("", "secrets", "v1", "istio-ca-secret", ciliumConfig)
	for _, task := range []task{list("", "secrets", true, "v1"), list("", "*", true, "v1"), named} {
		if !reaches(task) {
			t.Errorf("%s %v would not be noticed", task.id, task.names)
		}
	}
}
