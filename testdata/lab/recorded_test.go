package lab

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// likeRecorded holds the stand-in to the shapes of the recordings of its
// version: it may lack what its small world has no reason for, and add nothing.
func (w *world) likeRecorded(t *testing.T) {
	real, made := shapes{}, shapes{}
	for _, dir := range must[[]string](t)(filepath.Glob("../ztunnel/1.32-dev/*/*")) {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || strings.Contains(dir, "json_log") {
			continue
		}
		for file, add := range map[string]func(*testing.T, []byte){"config_dump.json": real.dump, "metrics.txt": real.metrics, "log.txt": real.log} {
			add(t, must[[]byte](t)(os.ReadFile(filepath.Join(dir, file))))
		}
	}
	for _, z := range w.ztunnels {
		made.dump(t, must[[]byte](t)(z.dump()))
		made.metrics(t, must[[]byte](t)(z.metrics()))
		z.mu.Lock()
		made.log(t, []byte(strings.Join(z.state.lines, "\n")+"\n"))
		z.mu.Unlock()
	}
	var invented []string
	for _, shape := range slices.Sorted(maps.Keys(made)) {
		if !real[shape] {
			invented = append(invented, shape)
		}
	}
	if diff := cmp.Diff([]string(nil), invented); diff != "" {
		t.Errorf("no real ztunnel has these:\n%s", diff)
	}
	for _, must := range []string{"dump workloads[].uid string", "dump certificates[].certChain[].pem string", "dump workloadState.*.state string"} {
		if !made[must] {
			t.Errorf("the stand-in serves no %s", must)
		}
	}
}

// shapes are keys with types, metrics with labels, and kinds of log lines.
type shapes map[string]bool

// keyed are objects whose keys are names, not a part of the shape.
var keyed = regexp.MustCompile(`(workloadState|stagedServices|endpoints|ports?|proxyMetadata)$`)

func (s shapes) dump(t *testing.T, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	s.value("dump ", v)
}

func (s shapes) value(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if keyed.MatchString(path) {
				k = "*"
			}
			s.value(strings.TrimSuffix(path, " ")+sep(path)+k, e)
		}
	case []any:
		for _, e := range v {
			s.value(path+"[]", e)
		}
	case string:
		s[path+" string"] = true
	case float64:
		s[path+" number"] = true
	case bool:
		s[path+" boolean"] = true
	case nil:
		s[path+" null"] = true
	}
}

func sep(path string) string {
	if strings.HasSuffix(path, " ") {
		return " "
	}
	return "."
}

var labelValue = regexp.MustCompile(`="[^"]*"`)

func (s shapes) metrics(_ *testing.T, text []byte) {
	for line := range bytes.Lines(text) {
		series, _, _ := strings.Cut(strings.TrimSpace(string(line)), "} ")
		if !strings.HasPrefix(series, "#") {
			series, _, _ = strings.Cut(series, " ")
			series = labelValue.ReplaceAllString(series, "")
		}
		s["metric "+series] = true
	}
}

var fieldValue = regexp.MustCompile(`=("(\\"|[^"])*"|\S+)`)

func (s shapes) log(_ *testing.T, text []byte) {
	for line := range bytes.Lines(text) {
		parts := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		if len(parts) < 5 || parts[2] != "access" {
			continue
		}
		s["log "+parts[1]+" "+parts[3]+" "+fieldValue.ReplaceAllString(parts[4], "")] = true
	}
}
