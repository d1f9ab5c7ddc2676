package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/trap"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// A trap that leaves no trace would be passed by any rule.
func TestEveryTrapShowsInWhatTheMeshServes(t *testing.T) {
	evidence := map[string]string{
		"servers-not-listening":            "connection failed: Connection refused (os error 111)",
		"clients-give-up":                  "client disconnected before all data was written",
		"impatient-clients":                "destination disconnected before all data was written",
		"externals-unreachable":            "dst.addr=198.51.100.22:443 direction=\"outbound\"",
		"databases-only":                   "dst.addr=198.51.100.40:5432",
		"callers-outside-mesh":             plant.Outsider,
		"ztunnel-restarted":                "io error: Connection refused (os error 111)",
		"restarts-of-last-week":            "OOMKilled",
		"netpol-allows-moved-probes":       "HOST_PROBE_SNAT_IP",
		"certificate-unavailable-at-start": "Unavailable",
	}
	healthy := world.Generate{Seed: 11, Nodes: 4, Workloads: 60, Version: "1.30.3", Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	before := served(t, healthy)
	if again := served(t, healthy); again != before {
		t.Fatal("a world is not the same twice")
	}
	for _, trap := range trap.All() {
		g := healthy
		g.Traps = []string{trap.Name}
		served := served(t, g)
		if served == before {
			t.Errorf("%s: the mesh serves what it serves without the trap", trap.Name)
		}
		if text := evidence[trap.Name]; !strings.Contains(served, text) || text != "" && strings.Contains(before, text) {
			t.Errorf("%s: nothing that the mesh serves says %q, or all does", trap.Name, text)
		}
		delete(evidence, trap.Name)
	}
	for name := range evidence {
		t.Errorf("there is no trap %s", name)
	}
}

// served is all that a world's API server and its agents answer, as one text.
func served(t *testing.T, g world.Generate) string {
	t.Helper()
	w, err := g.Build(changes())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString(everything(w.Mesh, t))
	for _, r := range w.Objects.Resources() {
		for _, o := range w.Objects.After(r.GroupVersionResource, "") {
			out.Write(o.JSON)
		}
	}
	return out.String()
}
