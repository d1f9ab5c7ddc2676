package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/sim"
)

// wellKnown are names that stay: the mesh's and Kubernetes' own (docs/format.md).
var wellKnown = []string{
	"istio-system", "kube-system", "kube-public", "kube-node-lease", "default", "istiod", "ztunnel", "istio-cni", "istio-cni-node", "waypoint",
	"istio-ingressgateway", "istio", "istio-waypoint", "istio-ingress", "istio-remote", "kubernetes", "kube-dns", "cluster.local", "istio-ca-root-cert",
	"coredns", "istio-reader-service-account", "istio-cni-config", "cilium-config", "local", "cluster", "svc",
}

func TestAnAnonymizedBundleHoldsNoNameAndNoAddress(t *testing.T) {
	atLength(t)
	bin := built(t)
	for name, opts := range map[string]sim.Options{
		"invented":     {Generate: &sim.Generate{Nodes: 3, Workloads: 30, Seed: 1, Version: "1.30.3"}},
		"dual stack":   {Replay: "../../testdata/ztunnel/1.28.9/dual_stack"},
		"noisy apps":   {Replay: "../../testdata/ztunnel/1.28.9/noisy_apps"},
		"rich config":  {Replay: "../../testdata/ztunnel/1.30.3/rich_config"},
		"logs in JSON": {Replay: "../../testdata/ztunnel/1.24.6/healthy_json_log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, _ := collectCluster(t, bin, opts)
			file, _ := anonymized(t, bin, plain)
			told(t, bin, nil, "verify", file)
			world := originals(t, plain)
			if len(world.names) < 10 || len(world.addresses) < 10 {
				t.Fatalf("%d names, %d addresses: too few to tell anything", len(world.names), len(world.addresses))
			}
			each(t, file, func(f bundle.File, content []byte) {
				for _, text := range [][]byte{[]byte(f.Path), content} {
					if hits := world.in(text); len(hits) > 0 {
						t.Errorf("%s holds %v", f.Path, hits)
					}
				}
			})
		})
	}
}

func each(t *testing.T, file string, fn func(f bundle.File, content []byte)) {
	t.Helper()
	r, err := bundle.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Walk(context.Background(), func(f bundle.File) error {
		if f.Reader == nil {
			fn(f, nil)
			return nil
		}
		content, err := io.ReadAll(f.Reader)
		fn(f, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// world is what must not be found: whole names, and addresses.
type world struct {
	names     map[string]bool
	addresses map[netip.Addr]bool
}

// originals reads what the objects in a plain bundle are called.
func originals(t *testing.T, file string) world {
	t.Helper()
	w := world{map[string]bool{}, map[netip.Addr]bool{}}
	each(t, file, func(f bundle.File, content []byte) {
		dir, resource := path.Split(f.Path)
		if !strings.HasPrefix(dir, "cluster/") || strings.Contains(resource, "customresource") || strings.Contains(resource, "webhook") || resource == "gatewayclasses.json" {
			return
		}
		var list struct{ Items []map[string]any }
		if err := json.Unmarshal(content, &list); err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			w.take("", o)
		}
	})
	delete(w.names, "search") // a member of ztunnel's configuration is called like an invented service
	return w
}

func (w world) take(key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if (k == "name" || k == "namespace") && !slices.Contains([]string{"metadata", "targetRef", "involvedObject", "parentRefs"}, key) {
				continue
			}
			w.take(k, e)
		}
	case []any:
		for _, e := range v {
			w.take(key, e)
		}
	case string:
		switch a, err := netip.ParseAddr(v); {
		case err == nil && a.IsGlobalUnicast():
			w.addresses[a] = true
		case slices.Contains([]string{"name", "namespace", "nodeName", "serviceAccountName", "hosts", "host", "app", "hostname"}, key) && len(v) > 1 && !slices.Contains(wellKnown, v):
			w.names[v] = true
		}
	}
}

// in finds names that stand between other characters than those of names, or
// between "-", and addresses in any form.
func (w world) in(text []byte) (hits []string) {
	letter := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r == ':'
	}
	seen := map[string]bool{}
	for token := range bytes.FieldsFuncSeq(text, func(r rune) bool { return !letter(r) }) {
		if seen[string(token)] {
			continue
		}
		seen[string(token)] = true
		token := string(token)
		parts := append(strings.FieldsFunc(token, func(r rune) bool { return r == '.' || r == ':' }), token, strings.Trim(token, ".:"))
		parts = append(parts, strings.FieldsFunc(token, func(r rune) bool { return !letter(r) || r == '-' || r == '_' || r == '.' || r == ':' })...)
		for _, part := range parts {
			if w.names[part] {
				hits = append(hits, part)
			}
		}
		decoded, _ := base64.RawStdEncoding.DecodeString(token)
		for _, address := range []string{token, strings.TrimRight(token, ".:"), token[:max(0, strings.LastIndexByte(token, ':'))], string(decoded)} {
			if a, err := netip.ParseAddr(address); err == nil && w.addresses[a.Unmap()] {
				hits = append(hits, address)
			}
		}
		if a, ok := netip.AddrFromSlice(decoded); ok && w.addresses[a] {
			hits = append(hits, a.String())
		}
	}
	return hits
}
