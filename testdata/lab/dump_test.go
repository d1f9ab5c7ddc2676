package lab

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

// dumpsComeBack holds what cat gives back of a dump to what the ztunnel
// served, with the lists sorted that ztunnels print in random order.
func (w *world) dumpsComeBack(t *testing.T) {
	served := map[string]string{}
	for node, z := range w.ztunnels {
		d := must[*ztunnel.Dump](t)(z.held())
		for _, workload := range d.Workloads {
			slices.Sort(workload.Services)
		}
		config := *d.Config
		config.IllegalPorts = slices.Sorted(slices.Values(config.IllegalPorts))
		d.Config = &config
		served["nodes/"+node+"/ztunnel/"+z.pod.Name+"/config_dump.json"] = string(must[[]byte](t)(printed(d)))
	}
	file := filepath.Join(t.TempDir(), "bundle.tgz")
	run(t, exitClean, "collect", "--kubeconfig", w.Kubeconfig(t, collector), "--metrics-interval", "10ms", "--keep-pem", "-o", file)
	for path, want := range served {
		if diff := cmp.Diff(want, string(run(t, exitClean, "cat", file, path))); diff != "" {
			t.Errorf("%s (-served +given back):\n%s", path, diff)
		}
	}
}
