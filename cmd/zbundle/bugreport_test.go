package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/zbundle/zbundle/internal/sim"
)

// bugReport makes of a cluster what `istioctl bug-report` makes of it
// (istio/istio tools/bug-report/pkg/{content,archive,bugreport}, 1.30): the
// YAML that its kubectl commands print, logs with the previous one behind its
// marker, and the ztunnels' dumps as served.
type bugReport struct {
	t     *testing.T
	base  string
	http  *http.Client
	files map[string][]byte
}

// bugReportOf packs a recorded world, whose files have the time of its capture.
func bugReportOf(t *testing.T, dir string) string {
	t.Helper()
	cluster, err := sim.Start(t.Context(), sim.Options{Replay: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := rest.HTTPClientFor(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	b := &bugReport{t: t, base: cluster.URL(), http: client, files: map[string][]byte{}}
	b.objects()
	world := b.world(dir)
	for _, n := range world.Nodes {
		dump, err := os.ReadFile(filepath.Join(dir, n.Name, "config_dump.json"))
		if err != nil {
			t.Fatal(err)
		}
		b.files["proxies/istio-system/"+n.Ztunnel+"/config_dump"] = dump
	}
	b.logs()
	b.files["versions"] = []byte("CLI version:\nversion.BuildInfo{Version:\"" + world.Version + "\"}\n\n")
	b.files["bug-report.log"] = []byte("Done with bug-report command before generating the archive file\n")
	return b.pack(world.Captured)
}

type recordedWorld struct {
	Version  string                           `json:"version"`
	Captured time.Time                        `json:"captured"`
	Nodes    []struct{ Name, Ztunnel string } `json:"nodes"`
}

func (b *bugReport) world(dir string) recordedWorld {
	text, err := os.ReadFile(filepath.Join(dir, "world.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	var w recordedWorld
	if err := json.Unmarshal(text, &w); err != nil {
		b.t.Fatal(err)
	}
	return w
}

// objects are the answers to `kubectl get … -o yaml`, each a List of all that was asked for.
func (b *bugReport) objects() {
	core := func(kinds ...string) []apiList { return listsOf("/api/v1", "v1", kinds...) }
	named := func(group string, kinds ...string) []apiList {
		return listsOf("/apis/"+group+"/v1", group+"/v1", kinds...)
	}
	together := func(lists ...[]apiList) []apiList {
		var out []apiList
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	definitions := named("apiextensions.k8s.io", "CustomResourceDefinition")
	b.files["cluster/k8s-resources"] = b.get(together(
		core("Pod", "Service"), named("apps", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"), named("batch", "CronJob", "Job"),
		named("networking.k8s.io", "Ingress"), named("discovery.k8s.io", "EndpointSlice"), core("ConfigMap"), named("networking.k8s.io", "NetworkPolicy"))...)
	b.files["cluster/k8s-cluster-resources"] = b.get(together(core("Node", "Namespace"), definitions,
		named("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"))...)
	b.files["cluster/nodes"] = b.get(core("Node")...)
	b.files["cluster/pods"] = b.get(apiList{"/api/v1/namespaces/istio-system/pods", "v1", "Pod"})
	var custom []apiList
	for _, d := range b.items(definitions[0]) {
		spec := d["spec"].(map[string]any)
		names, version := spec["names"].(map[string]any), spec["versions"].([]any)[0].(map[string]any)["name"].(string)
		of := spec["group"].(string) + "/" + version
		custom = append(custom, apiList{"/apis/" + of + "/" + names["plural"].(string), of, names["kind"].(string)})
	}
	b.files["cluster/crs"] = b.get(custom...)
}

// apiList is where the API server lists a kind.
type apiList struct{ path, apiVersion, kind string }

func listsOf(root, apiVersion string, kinds ...string) []apiList {
	var out []apiList
	for _, kind := range kinds {
		plural := strings.ToLower(kind) + "s"
		if strings.HasSuffix(kind, "y") {
			plural = strings.ToLower(strings.TrimSuffix(kind, "y")) + "ies"
		} else if strings.HasSuffix(kind, "s") {
			plural = strings.ToLower(kind) + "es"
		}
		out = append(out, apiList{root + "/" + plural, apiVersion, kind})
	}
	return out
}

func (b *bugReport) items(l apiList) []map[string]any {
	var list struct {
		Items []map[string]any `json:"items"`
	}
	if err := json.Unmarshal(b.body(l.path), &list); err != nil {
		b.t.Fatalf("%s: %v", l.path, err)
	}
	for _, o := range list.Items { // of which an API server says it but once
		o["apiVersion"], o["kind"] = l.apiVersion, l.kind
	}
	return list.Items
}

func (b *bugReport) get(lists ...apiList) []byte {
	all := []map[string]any{}
	for _, l := range lists {
		all = append(all, b.items(l)...)
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": all, "metadata": map[string]any{"resourceVersion": ""}})
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// logs are those of the mesh's own pods.
func (b *bugReport) logs() {
	for _, o := range b.items(apiList{"/api/v1/namespaces/istio-system/pods", "v1", "Pod"}) {
		var pod struct {
			Metadata struct{ Name string }
			Spec     struct{ Containers []struct{ Name string } }
			Status   struct{ ContainerStatuses []struct{ RestartCount int } }
		}
		text, _ := json.Marshal(o)
		if err := json.Unmarshal(text, &pod); err != nil {
			b.t.Fatal(err)
		}
		container := pod.Spec.Containers[0].Name
		at := fmt.Sprintf("/api/v1/namespaces/istio-system/pods/%s/log?container=%s", pod.Metadata.Name, container)
		log := b.body(at)
		if pod.Status.ContainerStatuses[0].RestartCount > 0 {
			log = fmt.Appendf(nil, "========= Previous log present (appended at the end) =========\n\n%s\n\n========= Previous log =========\n\n%s", log, b.body(at+"&previous=true"))
		}
		switch container {
		case "istio-proxy":
			b.files["proxies/istio-system/"+pod.Metadata.Name+"/istio-proxy.log"] = log
		case "install-cni":
			b.files["cni/"+pod.Metadata.Name+"/cni.log"] = log
		}
	}
}

func (b *bugReport) body(path string) []byte {
	r, err := b.http.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %s, %v\n%s", path, r.Status, err, body)
	}
	return body
}

func (b *bugReport) pack(captured time.Time) string {
	name := filepath.Join(b.t.TempDir(), "bug-report.tar.gz")
	f, err := os.Create(name)
	if err != nil {
		b.t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	out := tar.NewWriter(zip)
	for path, content := range b.files {
		if len(strings.TrimSpace(string(content))) == 0 {
			continue // as istioctl leaves out what is empty
		}
		err = errors.Join(err, out.WriteHeader(&tar.Header{Name: "bug-report/" + path, Size: int64(len(content)), Mode: 0o644, ModTime: captured}))
		_, writeErr := out.Write(content)
		err = errors.Join(err, writeErr)
	}
	if err = errors.Join(err, out.Close(), zip.Close(), f.Close()); err != nil {
		b.t.Fatal(err)
	}
	return name
}

// notTaken are the rules that no bug report holds the evidence of, and what
// istioctl does not take. None of the recorded worlds' faults shows there alone.
var notTaken = map[string]string{
	"cni-install-failed":        "istio-cni's metrics",
	"cni-no-ztunnel-connection": "istio-cni's metrics",
	"cni-zds-deadlock":          "istio-cni's metrics",
	"dns-upstream-failing":      "ztunnels' metrics",
	"metrics-fd-negative":       "ztunnels' metrics",
	"ztunnel-fd-exhaustion":     "ztunnels' metrics",
	"ztunnel-not-ready":         "what ztunnels' readiness says",
}

// sameInABugReport holds what is found in a recorded world's bundle against
// what is found in a bug report of it.
func sameInABugReport(t *testing.T, bin, dir string, collected said) {
	t.Helper()
	out := execute(t, bin, []int{exitClean, exitFindings, exitUndecided}, "analyze", "-o", "json", bugReportOf(t, dir))
	var reported said
	if err := json.Unmarshal(out, &reported); err != nil {
		t.Fatalf("analyze -o json: %v\n%s", err, out)
	}
	all := []string{"critical", "error", "warning", "notice", "hint"}
	if diff := cmp.Diff(collected.named(all...), reported.named(all...)); diff != "" {
		t.Errorf("findings (-of the bundle +of the bug report):\n%s", diff)
	}
	undecided := map[string]string{}
	for _, u := range reported.Undecided {
		undecided[u.ID] = strings.Join(u.Reasons, "\n")
	}
	for rule, what := range notTaken {
		if !strings.Contains(undecided[rule], "istioctl bug-report does not take it") {
			t.Errorf("%s needs %s, which a bug report lacks; it is undecided because of %q", rule, what, undecided[rule])
		}
	}
	for _, rule := range collected.Decided {
		if why, ok := undecided[rule]; ok && !strings.Contains(why, "istioctl bug-report") {
			t.Errorf("%s is decided of the bundle, and of the bug report it is not because of %q", rule, why)
		}
	}
}
