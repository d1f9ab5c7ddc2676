package openmetrics_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zbundle/zbundle/internal/openmetrics"
)

func TestParseKeepsEverySampleWithItsLine(t *testing.T) {
	text := "# HELP a Help of a.\n# TYPE a counter\n# UNIT a bytes\na_total{x=\"1\",y=\"q\\\"\\n\\\\\"} 3 1700000000\n\nb{} 4\nc NaN\nd +Inf # {trace=\"t\"} 1\n# EOF\n"
	set, err := openmetrics.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	samples, known := set.Lookup("a_total")
	want := []*openmetrics.Sample{{
		Name: "a_total", Value: 3, Line: 4,
		Labels: []openmetrics.Label{{Name: "x", Value: "1"}, {Name: "y", Value: "q\"\n\\"}},
	}}
	if diff := cmp.Diff(want, samples); diff != "" || !known {
		t.Errorf("a_total (known %v) (-want +got):\n%s", known, diff)
	}
	if b, ok := set.Sum("b", nil); !ok || b != 4 {
		t.Errorf("b = %v, %v; want 4, true", b, ok)
	}
	if c, _ := set.Sum("c", nil); !math.IsNaN(c) {
		t.Errorf("c = %v, want NaN", c)
	}
	if d, _ := set.Sum("d", nil); !math.IsInf(d, 1) {
		t.Errorf("d = %v, want +Inf", d)
	}
	if f := set.Families[0]; f.Type != "counter" || f.Unit != "bytes" || f.Help != "Help of a." {
		t.Errorf("family a = %+v", f)
	}
}

func TestAbsenceIsNotZero(t *testing.T) {
	set, err := openmetrics.Parse(strings.NewReader("# TYPE empty counter\nother{r=\"x\"} 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, known := set.Lookup("empty_total"); !known {
		t.Error("a family with a TYPE line but no sample is known")
	}
	if _, known := set.Lookup("missing_total"); known {
		t.Error("a family that is not there must not be known")
	}
	if _, ok := set.Sum("other", map[string]string{"r": "y"}); ok {
		t.Error("no sample matches, so there is no sum")
	}
}

func TestParseNamesTheBadLineAndReadsOn(t *testing.T) {
	set, err := openmetrics.Parse(strings.NewReader("a 1\nbroken{x=\"1\nb two\nc 3\n"))
	if err == nil {
		t.Fatal("no error for broken lines")
	}
	for _, part := range []string{"line 2: label x has no closing quote", `line 3: metric b: value "two" is no number`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if v, ok := set.Sum("c", nil); !ok || v != 3 {
		t.Errorf("the line after the broken ones was lost")
	}
}

// known are the metric families and label names of all recorded versions: a
// new one in a recording is a new fact that rules should learn of.
var known = map[string]bool{
	"process_open_fds": true, "process_max_fds": true,
	"tokio_num_workers": true, "tokio_global_queue_depth": true, "tokio_num_alive_tasks": true,
	"tokio_worker_total_busy_duration_seconds": true, "tokio_worker_park_count": true, "tokio_worker_park_unpark_count": true,
	"istio_build": true, "istio_xds_connection_terminations": true, "istio_xds_message": true, "istio_xds_message_bytes": true,
	"istio_tcp_connections_opened": true, "istio_tcp_connections_closed": true, "istio_tcp_connections_failed": true,
	"istio_tcp_received_bytes": true, "istio_tcp_sent_bytes": true, "istio_tcp_sockets_open": true,
	"istio_on_demand_dns": true, "istio_dns_requests": true, "istio_dns_upstream_requests": true,
	"istio_dns_upstream_failures": true, "istio_dns_upstream_request_duration_seconds": true,
	"istio_crl_policy_rejections": true, "istio_crl_untracked_connections": true,
	"workload_manager_active_proxy_count": true, "workload_manager_pending_proxy_count": true,
	"workload_manager_proxies_started": true, "workload_manager_proxies_stopped": true,
}

var knownLabels = strings.Fields(`reporter source_workload source_canonical_service source_canonical_revision
	source_workload_namespace source_principal source_app source_version source_cluster destination_service
	destination_service_namespace destination_service_name destination_workload destination_canonical_service
	destination_canonical_revision destination_workload_namespace destination_principal destination_app
	destination_version destination_cluster request_protocol response_flags connection_security_policy
	source_region source_zone destination_region destination_zone component tag reason url worker
	request_query_type hostname le`)

func TestEveryRecordedScrapeIsKnown(t *testing.T) {
	labels := map[string]bool{}
	for _, l := range knownLabels {
		labels[l] = true
	}
	files, err := filepath.Glob("../../testdata/ztunnel/*/*/*/metrics.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set, err := openmetrics.Parse(strings.NewReader(string(data)))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		samples := 0
		for _, f := range set.Families {
			if !known[f.Name] || f.Type == "" {
				t.Errorf("%s: family %s (type %q) is not known", file, f.Name, f.Type)
			}
			for _, s := range f.Samples {
				samples++
				for _, l := range s.Labels {
					if !labels[l.Name] {
						t.Errorf("%s:%d: label %s is not known", file, s.Line, l.Name)
					}
				}
			}
		}
		want := 0
		for _, line := range strings.Split(string(data), "\n") {
			if line != "" && !strings.HasPrefix(line, "#") {
				want++
			}
		}
		if samples != want {
			t.Errorf("%s: %d samples read, %d lines hold one", file, samples, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		set, err := openmetrics.Parse(strings.NewReader(text))
		samples, last := 0, strings.Count(text, "\n")+1
		for _, fam := range set.Families {
			for _, s := range fam.Samples {
				if s.Line < 1 || s.Line > last {
					t.Errorf("sample %+v is on no line of %d", s, last)
				}
				if found, known := set.Lookup(s.Name); !known || !slices.Contains(found, s) {
					t.Errorf("sample %+v is not found by its name", s)
				}
			}
			samples += len(fam.Samples)
		}
		if samples > last {
			t.Errorf("%d samples of %d lines", samples, last)
		}
		again, errAgain := openmetrics.Parse(strings.NewReader(text))
		if diff := cmp.Diff(set.Families, again.Families, cmpopts.EquateNaNs()); diff != "" || (err == nil) != (errAgain == nil) {
			t.Errorf("the second time: %v, then %v (-first +second):\n%s", err, errAgain, diff)
		}
	})
}
