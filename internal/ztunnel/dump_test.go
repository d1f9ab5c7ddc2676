package ztunnel_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

func recordings(t testing.TB, name string) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/ztunnel/*/*/*/" + name)
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded %s: %v", name, err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEveryRecordedDumpIsReadWithoutLoss(t *testing.T) {
	for _, file := range recordings(t, "config_dump.json") {
		data := read(t, file)
		d, err := ztunnel.ReadDump(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		unknown, err := ztunnel.UnknownKeys(bytes.NewReader(data))
		if err != nil || len(unknown) > 0 {
			t.Errorf("%s: unknown keys %v, %v", file, unknown, err)
		}
		var want map[string]any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if len(d.Problems) > 0 {
			t.Errorf("%s: problems %v", file, d.Problems)
		}
		encoded, err := json.Marshal(d)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var back map[string]any
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, back); diff != "" {
			t.Errorf("%s: encoded is not what was served (-served +encoded):\n%s", file, diff)
		}
	}
}

func TestUnknownKeysAreNamedAndKept(t *testing.T) {
	text := `{"workloads":[{"name":"a","namespace":"n","workloadIps":[],"protocol":"TCP","shiny":{"x":1}}],"newSection":1,"config":{"network":"","warp":9}}`
	unknown, err := ztunnel.UnknownKeys(strings.NewReader(text))
	if diff := cmp.Diff([]string{"Config.warp", "Dump.newSection", "Workload.shiny"}, unknown); diff != "" || err != nil {
		t.Errorf("unknown keys, %v (-want +got):\n%s", err, diff)
	}
	d, err := ztunnel.ReadDump(strings.NewReader(text))
	if err != nil || string(d.Workloads[0].Extra) != `{"shiny":{"x":1}}` {
		t.Errorf("extra = %s, %v", d.Workloads[0].Extra, err)
	}
}

func TestMapShapeOf122IsMergedByWorkload(t *testing.T) {
	text := `{
	  "workloads": {
	    "net1/10.0.0.1": {"workloadIps":["10.0.0.1"],"protocol":"HBONE","uid":"K//Pod/a/x","name":"x","namespace":"a","waypoint":{"destination":"/10.96.0.9","port":15008}},
	    "net1/10.0.0.2": {"workloadIps":["10.0.0.2"],"protocol":"HBONE","uid":"K//Pod/a/x","name":"x","namespace":"a"},
	    "/10.0.0.3": {"workloadIps":[],"protocol":"TCP","uid":"K//Pod/a/y","name":"y","namespace":"a"}
	  },
	  "services": {
	    "net1/10.96.0.1": {"name":"s","namespace":"a","hostname":"s.a.svc.cluster.local","vips":[],"ports":{},"endpoints":{},"subjectAltNames":[]},
	    "net1/10.96.0.2": {"name":"s","namespace":"a","hostname":"s.a.svc.cluster.local","vips":[],"ports":{},"endpoints":{},"subjectAltNames":[]}
	  },
	  "policies": {"a/p": {"name":"p","namespace":"a","scope":"Global","action":"Deny","rules":[]}}
	}`
	d, err := ztunnel.ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		UID, Pointer string
		IPs          []string
	}
	var got []row
	for _, w := range d.Workloads {
		got = append(got, row{w.UID, w.Pointer, w.WorkloadIPs})
	}
	want := []row{
		{"K//Pod/a/x", "/workloads/net1~110.0.0.1", []string{"10.0.0.1", "10.0.0.2"}},
		{"K//Pod/a/y", "/workloads/~110.0.0.3", []string{"10.0.0.3"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	if len(d.Services) != 1 || !cmp.Equal(d.Services[0].VIPs, []string{"net1/10.96.0.1", "net1/10.96.0.2"}) {
		t.Errorf("services = %+v", d.Services)
	}
	if len(d.Policies) != 1 || d.Policies[0].Key() != "a/p" {
		t.Errorf("policies = %+v", d.Policies)
	}
}

func TestABrokenDumpIsAnErrorThatNamesTheSection(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", ``, "read config dump: it is empty"},
		{"a list", `[]`, "not a JSON object"},
		{"HTML", `<html>`, "read config dump"},
		{"cut off", `{"workloads":[{"name":`, "the JSON is cut off"},
		{"cut off between elements", `{"workloads":[{"name":"a"},`, "the JSON is cut off"},
		{"broken inside", `{"workloads":[{"name":"a"}, oops`, "section workloads"},
		{"something after it", `{} {}`, "after the dump"},
		{"nested without end", strings.Repeat(`{"staticConfig":`, 100_000), "read config dump"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ztunnel.ReadDump(strings.NewReader(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if d == nil {
				t.Error("what was read before the error is lost")
			}
		})
	}
}

func TestAnElementOfAnotherShapeIsAProblemAndTheRestIsRead(t *testing.T) {
	text := `{"certificates":[{"identity":5,"state":"Available"},{"identity":"spiffe://b"}],
	  "workloads":[7,{"name":"x","waypoint":{"destination":[1]},"uid":"u"},{"name":"y"}],
	  "services":"none","config":{"network":[],"clusterId":"C"},"version":[1],"policies":null,
	  "workloadState":{"uid-1":{"state":"Up"}}}`
	d, err := ztunnel.ReadDump(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Problems); n != 5 {
		t.Errorf("%d problems, want 5:\n%s", n, strings.Join(d.Problems, "\n"))
	}
	for i, prefix := range []string{"/certificates/0", "/workloads/0", "/workloads/1", "/services", "/version"} {
		if i < len(d.Problems) && !strings.HasPrefix(d.Problems[i], prefix+":") {
			t.Errorf("problem %q, want one of %s", d.Problems[i], prefix)
		}
	}
	if len(d.Certificates) != 2 || d.Certificates[1].Identity != "spiffe://b" {
		t.Errorf("certificates = %+v", d.Certificates)
	}
	if len(d.Workloads) != 3 || d.Workloads[2].Name != "y" || d.Workloads[2].Pointer != "/workloads/2" {
		t.Errorf("workloads = %+v", d.Workloads)
	}
	if d.Config == nil || d.Config.ClusterID != "C" || string(d.Config.Other["network"]) != "[]" {
		t.Errorf("config = %+v", d.Config)
	}
	if s := d.WorkloadState["uid-1"]; s.State != ztunnel.ProxyUp || s.Pointer != "/workloadState/uid-1" {
		t.Errorf("state = %+v", s)
	}
}

func TestRootsOfEveryVersion(t *testing.T) {
	for _, version := range []string{"1.23.6", "1.24.6", "1.28.9", "1.32-dev"} {
		d, err := ztunnel.ReadDump(bytes.NewReader(read(t, "../../testdata/ztunnel/"+version+"/healthy/worker-1/config_dump.json")))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Certificates {
			roots := c.Roots()
			if len(roots) != 1 {
				t.Fatalf("%s: %s has %d roots, want 1", version, c.Identity, len(roots))
			}
			root, err := roots[0].Parse()
			if err != nil || !root.IsCA {
				t.Errorf("%s: root of %s: CA %v, %v", version, c.Identity, root.IsCA, err)
			}
			leaf, err := c.Leaf().Parse()
			if err != nil || leaf.IsCA || len(leaf.URIs) != 1 || leaf.URIs[0].String() != c.Identity {
				t.Errorf("%s: leaf of %s: %v", version, c.Identity, err)
			}
			if len(c.Leaf().Fingerprint()) != 64 {
				t.Errorf("%s: no fingerprint", version)
			}
		}
	}
}

func BenchmarkReadDump(b *testing.B) {
	data := bigDump(b, 5000)
	b.Run("typed", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ztunnel.ReadDump(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("map baseline", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(data, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// bigDump repeats a recorded dump's workloads up to n, indented as ztunnel serves them.
func bigDump(b *testing.B, n int) []byte {
	d, err := ztunnel.ReadDump(bytes.NewReader(read(b, "../../testdata/ztunnel/1.28.9/healthy/worker-1/config_dump.json")))
	if err != nil {
		b.Fatal(err)
	}
	var many []ztunnel.Workload
	for len(many) < n {
		many = append(many, d.Workloads...)
	}
	data, err := jsonv2.Marshal(map[string]any{"workloads": many, "services": d.Services}, jsontext.WithIndent("  "))
	if err != nil {
		b.Fatal(err)
	}
	return data
}
