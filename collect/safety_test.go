package collect

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	var b strings.Builder
	b.WriteString("\n| task | asked | at most | within |\n| --- | --- | --- | --- |\n")
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
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", task.id, asked, Size(task.limit), max(task.timeout, opts.RequestTimeout))
	}
	b.WriteString("\n| objects | asked |\n| --- | --- |\n")
	for _, r := range objectTasks {
		asked := fmt.Sprintf("list, pages of %d", pageSize)
		switch r.form {
		case asNamed:
			asked = "get, by name: " + strings.Join(r.names, ", ")
		case asNames:
			asked = fmt.Sprintf("list of names alone, pages of %d, after all else", pageSize)
		}
		fmt.Fprintf(&b, "| `%s/%s` | %s |\n", groupName(r.group), r.name, asked)
	}
	b.WriteString("\n")
	return b.String()
}

// TestSecretsAreNoResource keeps them out of the table for good.
func TestSecretsAreNoResource(t *testing.T) {
	for _, r := range objectTasks {
		if strings.Contains(r.name, "secret") || r.name == "*" {
			t.Errorf("%s is in the table", r.id)
		}
	}
}
