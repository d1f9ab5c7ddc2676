package mesh

import (
	"testing"
	"time"
)

func TestAnOutageIsOfAServiceThatWasReachedBeforeAndIsNotAnyMore(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 8, 1, 12, 0, second, 0, time.UTC) }
	call := func(caller, class string, port, count, first, last int) *Flow {
		return &Flow{
			Source: &Peer{Address: caller}, Destination: &Peer{Address: "10.0.0.9"}, Origin: "access-log", Service: "db.shop", Class: class, Port: port,
			Count: count, First: at(first), Last: at(last), State: Ongoing, Aftermath: Aftermath{Run: count, RunFrom: at(first)},
		}
	}
	tests := []struct {
		name  string
		flows []*Flow
		want  bool // of the first
	}{
		{"five calls failed after one worked", []*Flow{call("a", "app-refused", 80, 5, 10, 20), call("a", "", 80, 1, 1, 1)}, true},
		{"four calls failed", []*Flow{call("a", "app-refused", 80, 4, 10, 20), call("a", "", 80, 1, 1, 1)}, false},
		{"nothing was ever reached", []*Flow{call("a", "app-refused", 80, 50, 10, 20)}, false},
		{"others still reach it", []*Flow{call("a", "policy-denied", 80, 50, 10, 50), call("b", "", 80, 50, 1, 50)}, false},
		{"another port of it is still reached", []*Flow{call("a", "app-refused", 80, 50, 10, 50), call("a", "", 80, 5, 1, 9), call("a", "", 90, 50, 1, 50)}, true},
		{"it leads to another port since", []*Flow{call("a", "app-refused", 90, 50, 10, 50), call("a", "", 80, 5, 1, 9)}, true},
		{"another port of it never answered", []*Flow{call("a", "app-refused", 90, 50, 10, 50), call("a", "", 80, 50, 1, 50)}, false},
		{"all callers together fail five times", []*Flow{call("a", "app-refused", 80, 3, 10, 20), call("b", "app-refused", 80, 2, 10, 20), call("a", "", 80, 1, 1, 1)}, true},
		{"calls are cut that had reached it", []*Flow{call("a", "server-aborted", 80, 50, 10, 20), call("a", "", 80, 1, 1, 1)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			joinOutages(&Mesh{Flows: tt.flows})
			if got := tt.flows[0].Outage; got != tt.want {
				t.Errorf("the outage is %t, want %t", got, tt.want)
			}
		})
	}
}
