package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/sim/fault"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func invented(t *testing.T, g world.Generate) *world.Mesh {
	t.Helper()
	if g.Nodes == 0 {
		g.Nodes, g.Workloads = 4, 48
	}
	if g.Version == "" {
		g.Version = "1.30.3"
	}
	m, err := world.NewMesh(&g, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fault.Plant(m, g.Faults); err != nil {
		t.Fatal(err)
	}
	m.MakeTraffic()
	if err := m.FinishLogs(); err != nil {
		t.Fatal(err)
	}
	return m
}

func rendered(z *world.Ztunnel, t *testing.T) (dump, metrics, log []byte) {
	t.Helper()
	dump, err := z.Dump()
	if err != nil {
		t.Fatal(err)
	}
	if metrics, err = z.Metrics(); err != nil {
		t.Fatal(err)
	}
	text, _ := z.Log("", false)
	return dump, metrics, text.Text
}

// TestInventedShapesAreRecordedOnes holds keys, JSON types, label sets and access-line fields of
// what is invented to what real ztunnels of the version printed.
func TestInventedShapesAreRecordedOnes(t *testing.T) {
	for _, version := range []string{"1.28.9", "1.30.3", "1.32-dev"} {
		t.Run(version, func(t *testing.T) {
			recorded := newShapeSet()
			files, err := filepath.Glob(filepath.Join(recordings, version, "*", "worker-*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no recordings: %v", err)
			}
			for _, dir := range files {
				recorded.add(t, readFile(t, dir, "config_dump.json"), readFile(t, dir, "metrics.txt"), readFile(t, dir, "log.txt"))
			}
			got := newShapeSet()
			g := world.Generate{Version: version, Seed: 7, Nodes: 4, Workloads: 60}
			if version != "1.30.3" { // of which only healthy worlds were recorded
				g.Faults = []string{"workload-missing-in-ztunnel", "policy-denied", "pod-enrolled-not-in-ztunnel", "cert-unavailable", "no-healthy-upstream"}
			}
			m := invented(t, g)
			for _, n := range m.Nodes {
				dump, metrics, log := rendered(n.Ztunnel, t)
				got.add(t, dump, metrics, log)
			}
			recorded.holds(t, "dump key", got.keys, recorded.keys)
			recorded.holds(t, "metric labels", got.labels, recorded.labels)
			recorded.holds(t, "access line", got.lines, recorded.lines)
			for _, key := range []string{"$.workloads[].uid:string", "$.services[].endpoints.*.port.*:number", "$.workloadState.*.state:string"} {
				if !got.keys[key] {
					t.Errorf("the invented dump has no %s", key)
				}
			}
		})
	}
}

func readFile(t *testing.T, elements ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type shapeSet struct{ keys, labels, lines map[string]bool }

func newShapeSet() *shapeSet {
	return &shapeSet{map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func (s *shapeSet) add(t *testing.T, dump, metrics, log []byte) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(dump, &tree); err != nil {
		t.Fatal(err)
	}
	s.walk("$", tree)
	label := regexp.MustCompile(`([a-z_]+)="[^"]*"`)
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "#") {
			s.labels[strings.TrimSpace(line)] = true
			continue
		}
		name, rest, _ := strings.Cut(line, "{")
		var labels []string
		for _, match := range label.FindAllStringSubmatch(rest, -1) {
			labels = append(labels, match[1])
		}
		if rest == "" {
			name, _, _ = strings.Cut(line, " ")
		}
		s.labels[name+"{"+strings.Join(labels, ",")+"}"] = true
	}
	field := regexp.MustCompile(`(?:^|\s)([a-z_.]+)=("(?:[^"\\]|\\.)*"|\S+)`)
	for line := range strings.Lines(string(log)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(parts) != 5 || parts[2] != "access" {
			continue
		}
		var fields []string
		for _, match := range field.FindAllStringSubmatch(parts[4], -1) {
			quoted := world.Choose(strings.HasPrefix(match[2], `"`), `"`, "")
			fields = append(fields, match[1]+quoted)
		}
		s.lines[parts[1]+" "+parts[3]+" "+strings.Join(fields, " ")] = true
	}
}

// open are the paths whose keys are names, not fields.
var openPaths = regexp.MustCompile(`(endpoints|ports?|workloadState|stagedServices)$`)

func (s *shapeSet) walk(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if openPaths.MatchString(path) {
				key = "*"
			}
			s.walk(path+"."+key, child)
		}
	case []any:
		for _, child := range v {
			s.walk(path+"[]", child)
		}
	default:
		kind := strings.NewReplacer("float64", "number").Replace(fmt.Sprintf("%T", value))
		s.keys[path+":"+kind] = true
	}
}

func (s *shapeSet) holds(t *testing.T, what string, got, recorded map[string]bool) {
	t.Helper()
	for _, shape := range slices.Sorted(maps.Keys(got)) {
		if !recorded[shape] {
			t.Errorf("%s that no real ztunnel of the version printed: %s", what, shape)
		}
	}
}

func TestSameSeedSameMesh(t *testing.T) {
	a, b, c := invented(t, world.Generate{Seed: 3}), invented(t, world.Generate{Seed: 3}), invented(t, world.Generate{Seed: 4})
	for i := range a.Nodes {
		dumpA, metricsA, logA := rendered(a.Nodes[i].Ztunnel, t)
		dumpB, metricsB, logB := rendered(b.Nodes[i].Ztunnel, t)
		if !bytes.Equal(dumpA, dumpB) || !bytes.Equal(metricsA, metricsB) || !bytes.Equal(logA, logB) {
			t.Errorf("node %d differs between two worlds of one seed", i)
		}
	}
	_, _, logA := rendered(a.Nodes[0].Ztunnel, t)
	_, _, logC := rendered(c.Nodes[0].Ztunnel, t)
	if bytes.Equal(logA, logC) {
		t.Error("two seeds gave the same log")
	}
}

func TestHealthyMeshPrintsNoWarning(t *testing.T) {
	m := invented(t, world.Generate{Seed: 5, Nodes: 6, Workloads: 120})
	for _, n := range m.Nodes {
		_, _, log := rendered(n.Ztunnel, t)
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, "\twarn\t") || strings.Contains(line, "\terror\t") {
				t.Errorf("%s: %s", n.Name, line)
			}
		}
	}
}

// TestBothSidesTellOfEachCall pairs every HBONE line of a source with one of its destination.
func TestBothSidesTellOfEachCall(t *testing.T) {
	m := invented(t, world.Generate{Seed: 5})
	count := func(direction string) map[string]int {
		calls := map[string]int{}
		key := regexp.MustCompile(`src\.workload="([^"]+)".* dst\.hbone_addr=(\S+) .*direction="` + direction + `"`)
		for _, n := range m.Nodes {
			_, _, log := rendered(n.Ztunnel, t)
			for line := range strings.Lines(string(log)) {
				if match := key.FindStringSubmatch(line); match != nil {
					calls[match[1]+" "+match[2]]++
				}
			}
		}
		return calls
	}
	out, in := count("outbound"), count("inbound")
	if len(out) == 0 {
		t.Fatal("no calls")
	}
	if diff := cmp.Diff(out, in); diff != "" {
		t.Errorf("calls (-source +destination):\n%s", diff)
	}
}

func TestServicesComeInAnotherOrderOnEachZtunnel(t *testing.T) {
	m := invented(t, world.Generate{Seed: 5})
	orders := map[string]bool{}
	for _, n := range m.Nodes {
		var d struct {
			Workloads []struct{ Services []string }
		}
		dump, _, _ := rendered(n.Ztunnel, t)
		if err := json.Unmarshal(dump, &d); err != nil {
			t.Fatal(err)
		}
		orders[fmt.Sprint(d.Workloads)] = true
	}
	if len(orders) < 2 {
		t.Error("all ztunnels print the services of workloads in the same order")
	}
}

// TestEveryFaultLeavesItsEvidence plants each fault alone and looks for what it must show, in all
// logs, dumps and the rest that the mesh serves together.
func TestEveryFaultLeavesItsEvidence(t *testing.T) {
	evidence := map[string][]string{
		"workload-missing-in-ztunnel":     {`direction="outbound"`},
		"workload-missing-in-istiod":      {"failed to fetch information about local workload"},
		"workload-stale-deleted-pod":      {"SUBJECT"},
		"workload-not-hbone":              {`"protocol": "TCP"`},
		"service-endpoints-missing":       {"no healthy upstream", `"endpoints": {}`},
		"pod-enrolled-not-in-ztunnel":     {"Connection refused (os error 111)"},
		"hbone-refused":                   {"Connection refused (os error 111)"},
		"pod-enrolment-pending":           {"SUBJECT"},
		"proxy-pending":                   {`"state": "Pending"`, "Address already in use", "workload_manager_pending_proxy_count 1"},
		"pod-not-enrolled":                {"SUBJECT"},
		"cert-unavailable":                {`"state": "Unavailable: `, "identity error: ", "signing error: ", "certificate fetch failed"},
		"cert-missing-for-local-identity": {"SUBJECT"},
		"cert-expired":                    {`"expirationTime": "2026-11-23T11:00:00Z"`, "Expired"},
		"cert-expiring":                   {`"expirationTime": "2026-11-23T13:00:00Z"`, "retaining existing valid certificate"},
		"cert-not-yet-valid":              {`"validFrom": "2026-11-23T12:20:00Z"`},
		"root-mismatch":                   {"BadSignature", "DecryptError"},
		"hbone-absent":                    {`connection_security_policy="unknown"`},
		"hbone-15008-blocked":             {"maybe a NetworkPolicy is blocking HBONE port 15008", `response_flags="NETWORK_POLICY"`},
		"policy-denied":                   {"http status: 401 Unauthorized", "allow policies exist, but none allowed", `response_flags="DENY"`},
		"policy-unknown-in-ztunnel":       {"skipping unknown policy"},
		"no-healthy-upstream":             {"no healthy upstream"},
		"waypoint-down":                   {"no healthy upstream"},
		"xds-cannot-connect":              {"XDS client connection error", `istio_xds_connection_terminations_total{reason="ConnectionError"}`},
		"xds-unacked":                     {"SUBJECT"},
		"xds-nack":                        {"type=Nack", "ACK ERROR", `"lastError"`},
		"ztunnel-not-in-syncz":            {"SUBJECT"},
		"skew-ztunnel-istiod":             {"1.33.0"},
		"node-without-cni-or-ztunnel":     {"Connection refused (os error 111)"},
		"ztunnel-crashloop":               {"SUBJECT"},
		"no-portforward":                  nil,
		"no-logs":                         nil,
		"ztunnel-hangs":                   {"SUBJECT"},
	}
	for _, more := range []map[string][]string{
		syncEvidence(), healthEvidence(), captureEvidence(), authorityEvidence(), surroundingsEvidence(),
		hboneEvidence(), waypointEvidence(), policyEvidence(), balanceEvidence(), configurationEvidence(),
	} {
		maps.Copy(evidence, more)
	}
	for _, fault := range fault.All() {
		t.Run(fault.Name, func(t *testing.T) {
			wanted, ok := evidence[fault.Name]
			if !ok {
				t.Fatal("the test doesn't know what this fault must show")
			}
			g := world.Generate{Seed: 11, Nodes: 4, Workloads: 60, Version: "1.30.3", Faults: []string{fault.Name},
				Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
			m := invented(t, g)
			w, err := g.Build(changes())
			if err != nil {
				t.Fatal(err)
			}
			if len(w.Planted) != 1 || w.Planted[0].Subject.Name == "" {
				t.Fatalf("planted %v, want one fault with a subject", w.Planted)
			}
			served := everything(m, t)
			for _, text := range wanted {
				if text == "SUBJECT" {
					text = w.Planted[0].Subject.Name
				}
				if !strings.Contains(served, text) {
					t.Errorf("nothing that the mesh serves says %q", text)
				}
			}
		})
	}
}

// everything is all that agents and istiods of the mesh print, as one text.
func everything(m *world.Mesh, t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, n := range m.Nodes {
		if n.Ztunnel != nil {
			dump, metrics, log := rendered(n.Ztunnel, t)
			out.Write(dump)
			out.Write(metrics)
			out.Write(log)
		}
		if n.CNI != nil {
			out.Write(world.JoinLines(n.CNI.Lines).Text)
			printed(t, &out, n.CNI.Pod.Object())
		}
		printed(t, &out, n.Object())
	}
	for _, p := range m.Pods {
		printed(t, &out, p.PodModel.Object())
		if p.Native {
			reporter, calls := m.Sends(p)
			out.WriteString(world.EnvoyMetrics(reporter, calls, 1))
		}
	}
	objects := append(m.MeshObjects(m.Started), m.Extra...)
	for _, s := range m.Services {
		if s.Host == "" {
			objects = append(objects, world.Stored{Resource: "services", Object: s.Object()})
		}
	}
	for _, o := range objects {
		for _, change := range m.Amend {
			change(o)
		}
		printed(t, &out, o.Object)
	}
	for _, i := range m.Istiods {
		log, _ := i.Log("", false)
		out.Write(log.Text)
		for _, body := range []any{i.Syncz(), i.Ambientz()} {
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
		}
		out.WriteString(i.Metrics())
	}
	return out.String()
}

func printed(t *testing.T, out io.Writer, o any) {
	t.Helper()
	if err := json.NewEncoder(out).Encode(o); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownFaultIsRefused(t *testing.T) {
	_, err := Start(t.Context(), Options{Generate: &world.Generate{Nodes: 1, Workloads: 3, Version: "1.30.3", Faults: []string{"nothing-like-that"}}})
	if err == nil || !strings.Contains(err.Error(), "nothing-like-that") {
		t.Errorf("error is %v, want one that names the fault", err)
	}
	if errors.Is(err, plant.ErrNoSubject) {
		t.Error("an unknown fault is not one without a subject")
	}
}
