package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// hostileReport makes an archive of istioctl bug-report with a healthy ztunnel, "ztunnel-good", and more.
func hostileReport(t *testing.T, more func(m *maker)) string {
	t.Helper()
	return packed(t, "bug-report.tar.gz", func(m *maker) {
		m.text("bug-report/proxies/istio-system/ztunnel-good/config_dump", healthyDump(t))
		more(m)
	})
}

const objects = "cluster/k8s-resources"

var reportAttacks = []attack{
	{name: "an object that refers to itself over and over", make: func(m *maker) {
		var laughs strings.Builder
		laughs.WriteString("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
		for i := range 12 {
			fmt.Fprintf(&laughs, "  a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
		}
		m.text("bug-report/"+objects, laughs.String()+"kind: List\n")
	}, told: map[string]string{objects: "aliasing"}},
	{name: "deep nesting", make: func(m *maker) {
		m.text("bug-report/"+objects, "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec: "+strings.Repeat("[", 100_000)+"\n")
	}, told: map[string]string{objects: "depth"}},
	{name: "a line of a gigabyte", make: func(m *maker) {
		m.parts("bug-report/"+objects, "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  x: ", bytes.Repeat([]byte("x"), 16<<20), 63, "\n")
	}, told: map[string]string{objects: "MB"}},
	{name: "a million pods", make: func(m *maker) {
		block := strings.Repeat("- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n", 10_000)
		m.parts("bug-report/"+objects, "apiVersion: v1\nitems:\n", []byte(block), 100, "kind: List\n")
	}, told: map[string]string{objects: "more than 50000 objects"}},
	{name: "a hundred thousand ztunnels", make: func(m *maker) {
		var pods strings.Builder
		pods.WriteString("apiVersion: v1\nitems:\n")
		for i := range 100_000 {
			fmt.Fprintf(&pods, "- apiVersion: v1\n  kind: Pod\n  metadata: {name: ztunnel-%d, namespace: istio-system, labels: {app: ztunnel}}\n  spec: {nodeName: n%d}\n", i, i)
		}
		m.text("bug-report/"+objects, pods.String()+"kind: List\n")
	}, told: map[string]string{objects: "more than 50000 objects"}},
	{name: "a log of marker lines", make: func(m *maker) {
		m.text("bug-report/proxies/istio-system/ztunnel-good/istio-proxy.log", strings.Repeat("========= Previous log =========\n", 100_000))
	}},
}

func TestAHostileBugReportIsHeldToItsBounds(t *testing.T) { withstand(t, reportAttacks, hostileReport) }
