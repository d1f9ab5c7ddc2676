package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

func TestLinesOfIstiosGoLogs(t *testing.T) {
	at := time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC)
	for line, want := range map[string]ztunnel.Record{
		"2026-11-24T14:05:00Z\tinfo\tnew ztunnel connected, total connected: 1": {Level: "info", Message: "new ztunnel connected, total connected: 1"},
		"2026-11-24T14:05:00Z\twarn\tcni-agent\tUnable to send pod to ztunnel":  {Level: "warn", Target: "cni-agent", Message: "Unable to send pod to ztunnel"},
		"2026-11-24T14:05:00Z\terror\tcni-agent\tfailed to add pod\tns=shop name=web-1 error=no such file or directory": {
			Level: "error", Target: "cni-agent", Message: "failed to add pod",
			Fields: []ztunnel.Field{{Key: "ns", Value: "shop"}, {Key: "name", Value: "web-1"}, {Key: "error", Value: "no such file or directory"}},
		},
		"2026-11-24T14:05:00Z\terror\tfailed to add pod\tns=shop": {
			Level: "error", Message: "failed to add pod", Fields: []ztunnel.Field{{Key: "ns", Value: "shop"}},
		},
		`{"level":"warn","time":"2026-11-24T14:05:00Z","scope":"serverca","msg":"refused","client":"10.0.0.1"}`: {
			Level: "warn", Target: "serverca", Message: "refused", Fields: []ztunnel.Field{{Key: "client", Value: "10.0.0.1"}},
		},
		"fatal error: concurrent map writes": {Message: "fatal error: concurrent map writes"},
	} {
		got, ok := goRecord(line, 7)
		want.Line, want.Raw = 7, line
		if want.Level != "" {
			want.Time = at
		}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: %v (-want +got):\n%s", line, ok, diff)
		}
	}
}
