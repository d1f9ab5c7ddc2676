package foreign_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze"
	"github.com/zbundle/zbundle/analyze/result"
	"github.com/zbundle/zbundle/analyze/source"
	"github.com/zbundle/zbundle/rules"
)

// made is ten minutes after the recorded mesh began: what is seconds old is not judged.
var made = time.Date(2026, 11, 24, 13, 21, 40, 0, time.UTC)

// files are the recorded archive's, by path.
func files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := "../../testdata/bugreport"
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "archive.tar.gz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	out := tar.NewWriter(zip)
	for path, content := range files {
		if err := out.WriteHeader(&tar.Header{Name: path, Size: int64(len(content)), Mode: 0o644, ModTime: made}); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, close := range []func() error{out.Close, zip.Close, f.Close} {
		if err := close(); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func analyzed(t *testing.T, name string) *result.Result {
	t.Helper()
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := analyze.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.Open(context.Background(), []string{name}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := analyze.Analyze(context.Background(), src, engine, analyze.Options{File: name})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reasonsOf(r *result.Result) string {
	text, _ := json.Marshal(r.Undecided)
	return string(text)
}

func TestABugReportOfAHealthyMeshGivesNoFindingAndSaysWhatItLacks(t *testing.T) {
	archive := packed(t, files(t))
	folder := filepath.Join(t.TempDir(), "there")
	for path, content := range files(t) {
		write(t, filepath.Join(folder, path), content)
	}
	for _, name := range []string{archive, filepath.Join(folder, "bug-report")} {
		r := analyzed(t, name)
		if len(r.Findings) > 0 || len(r.Completeness.Problems) > 0 || r.Completeness.Ztunnels.Read != 3 || r.Completeness.CNIs.Read != 3 || r.Completeness.Read.Pods != 13 {
			t.Errorf("%s: findings %v, %+v", name, r.Findings, r.Completeness)
		}
		if r.Bundle.Captured != "2026-11-24T13:21:40Z" {
			t.Errorf("%s: captured %s", name, r.Bundle.Captured)
		}
		for _, want := range []string{"istioctl bug-report does not take it", "ztunnel-not-ready"} {
			if !strings.Contains(reasonsOf(r), want) {
				t.Errorf("%s: %q is not among what is undecided: %s", name, want, reasonsOf(r))
			}
		}
	}
}

func TestAFaultInABugReportIsFoundInItsOwnFiles(t *testing.T) {
	all := files(t)
	dump := "bug-report/proxies/istio-system/ztunnel-b7xk2/config_dump"
	var d map[string]any
	if err := json.Unmarshal([]byte(all[dump]), &d); err != nil {
		t.Fatal(err)
	}
	workloads := d["workloads"].([]any)
	d["workloads"] = slices.DeleteFunc(workloads, func(w any) bool { return strings.HasPrefix(w.(map[string]any)["name"].(string), "details-") })
	if len(d["workloads"].([]any)) != len(workloads)-1 {
		t.Fatal("nothing was taken out")
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	all[dump] = string(text)
	r := analyzed(t, packed(t, all))
	if len(r.Findings) != 1 || r.Findings[0].ID != "workload-missing-in-ztunnel" || !strings.HasPrefix(r.Findings[0].Subjects[0].Name, "details-") {
		t.Fatalf("findings %+v", r.Findings)
	}
	for _, e := range r.Findings[0].Evidence {
		if strings.HasPrefix(e.File, "nodes/") || strings.Contains(e.File, "@") {
			t.Errorf("evidence %+v is no file of the archive", e)
		}
	}
}

func TestThePreviousLogOfABugReportKeepsItsLineNumbers(t *testing.T) {
	all := files(t)
	log := "bug-report/cni/istio-cni-node-a4wv9/cni.log"
	all[log] = "========= Previous log present (appended at the end) =========\n\n" + all[log] +
		"\n\n========= Previous log =========\n\n2026-11-24T13:00:00.000000Z\terror\tsomething broke\n"
	if r := analyzed(t, packed(t, all)); len(r.Completeness.Problems) > 0 || r.Completeness.CNIs.Read != 3 {
		t.Errorf("%+v", r.Completeness)
	}
}

func TestAMustGatherIsReadAsFarAsItHoldsTheMesh(t *testing.T) {
	all := files(t)
	top := "must-gather.local.1/quay-io-image-sha256-1/"
	gathered := map[string]string{
		top + "namespaces/bookinfo/core/pods.yaml":                all["bug-report/cluster/k8s-resources"],
		top + "cluster-scoped-resources/core/nodes.yaml":          all["bug-report/cluster/nodes"],
		top + "namespaces/istio-system/apps/daemonsets.yaml":      "---\napiVersion: apps/v1\nkind: DaemonSetList\nitems: []\n",
		top + "namespaces/broken/core/services.yaml":              "---\napiVersion: v1\nitems:\n- kind: [\n",
		top + "namespaces/istio-system/pods/x/x/x/logs/other.log": "x",
	}
	for _, pod := range []string{"ztunnel-a7xk2", "ztunnel-b7xk2", "ztunnel-c7xk2"} {
		gathered[top+"namespaces/istio-system/pods/"+pod+"/istio-proxy/istio-proxy/logs/current.log"] = all["bug-report/proxies/istio-system/"+pod+"/istio-proxy.log"]
	}
	r := analyzed(t, packed(t, gathered))
	if len(r.Findings) > 0 || r.Completeness.Read.Pods != 13 || r.Completeness.Ztunnels.Total != 3 || r.Completeness.Ztunnels.Read != 0 {
		t.Errorf("findings %+v, %+v", r.Findings, r.Completeness)
	}
	if !strings.Contains(reasonsOf(r), "oc adm must-gather does not take it") {
		t.Errorf("undecided: %s", reasonsOf(r))
	}
	var problems []string
	for _, p := range r.Completeness.Problems {
		problems = append(problems, strings.TrimPrefix(p.Path, top))
	}
	if diff := cmp.Diff([]string{"quay-io-image-sha256-1/namespaces/broken/core/services.yaml"}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	// The files' own times are the time of capture.
	if err := os.Chtimes(name, made, made); err != nil {
		t.Fatal(err)
	}
}
