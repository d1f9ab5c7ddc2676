package load

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// Calls of one log in their order, as ztunnel writes them.
func TestALogTellsWhatSucceededAfterEachFailure(t *testing.T) {
	call := func(second int, service, rest string) string {
		return fmt.Sprintf("2026-08-01T12:00:%02d.000000Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.1:4000 src.workload=\"a\" src.namespace=\"ns\" %s direction=\"outbound\" bytes_sent=1 bytes_recv=1 duration=\"1ms\" %s\n", second, service, rest)
	}
	ok := func(second int, pod string) string {
		return call(second, "dst.addr="+pod+":15008 dst.hbone_addr="+pod+":80 dst.service=\"s.ns.svc\"", "")
	}
	failed := func(second int) string {
		return fmt.Sprintf("2026-08-01T12:00:%02d.000000Z\terror\taccess\tconnection failed\tsrc.addr=10.0.0.1:4000 dst.addr=10.96.0.1:80 direction=\"outbound\" error=\"no healthy upstream\"\n", second)
	}
	for name, test := range map[string]struct {
		log  string
		want mesh.Aftermath // of the failure
	}{
		"by the pod where one was chosen": {
			log: ok(1, "10.0.0.2") + call(2, "dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:80 dst.service=\"s.ns.svc\"", `error="connection failed: Connection refused"`) +
				ok(3, "10.0.0.3") + ok(4, "10.0.0.2"),
			want: mesh.Aftermath{After: 1, Episodes: 1},
		},
		"by each service where only an address was dialled": {
			log:  failed(2) + ok(3, "10.0.0.3") + ok(4, "10.0.0.2") + failed(5) + ok(6, "10.0.0.2"),
			want: mesh.Aftermath{Between: 2, After: 1, Episodes: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fl := newFlows(&mesh.Ztunnel{}, 100)
			facts := logFacts{startErrors: map[string]startError{}}
			if err := facts.read(strings.NewReader(test.log), "log", fl, newMessages("ztunnel", "z", "n", false)); err != nil {
				t.Fatal(err)
			}
			var got []mesh.Aftermath
			for _, o := range fl.in {
				if o.Class == "" {
					continue
				}
				a := o.Aftermath
				if by := o.ByService["s.ns.svc"]; by != nil {
					a = *by
				}
				a.NextOK, a.Run, a.RunFrom = test.want.NextOK, 0, test.want.RunFrom
				got = append(got, a)
			}
			if diff := cmp.Diff([]mesh.Aftermath{test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
