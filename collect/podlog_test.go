package collect

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// kubelet serves one log as the API server does, k8s.io/kubernetes/pkg/kubelet/kuberuntime/logs.
type kubelet struct {
	lines []string // with the runtime's timestamps
	// cutAfter is how many bytes each answer has before it breaks off; 0 for all.
	cutAfter []int
	requests []url.Values
}

func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	k.requests = append(k.requests, query)
	lines := k.lines
	if since := query.Get("sinceTime"); since != "" {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		at = at.Truncate(time.Second) // what the API server passes on has seconds only
		lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
			stamp, _, _ := strings.Cut(l, " ")
			t, err := time.Parse(time.RFC3339Nano, stamp)
			return err == nil && t.Before(at)
		})
	}
	if n, err := strconv.Atoi(query.Get("tailLines")); err == nil && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	text := strings.Join(lines, "")
	if n, err := strconv.Atoi(query.Get("limitBytes")); err == nil && n < len(text) {
		text = text[:n]
	}
	cut := 0
	if len(k.cutAfter) > 0 {
		cut, k.cutAfter = k.cutAfter[0], k.cutAfter[1:]
	}
	if cut == 0 || cut >= len(text) {
		_, _ = w.Write([]byte(text))
		return
	}
	_, _ = w.Write([]byte(text[:cut]))
	if err := http.NewResponseController(w).Flush(); err == nil {
		panic(http.ErrAbortHandler)
	}
}

// logLines are n lines of about 200 bytes; several share one timestamp.
func logLines(n int) []string {
	var out []string
	start := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i/3) * 100 * time.Millisecond)
		out = append(out, fmt.Sprintf("%s line %06d %s\n", at.Format(time.RFC3339Nano), i, strings.Repeat("x", 160)))
	}
	return out
}

func withoutStamps(lines []string) string {
	var out strings.Builder
	for _, l := range lines {
		_, text, _ := strings.Cut(l, " ")
		out.WriteString(text)
	}
	return out.String()
}

func takeLog(t *testing.T, k *kubelet, since time.Time, tail int, most int64) (string, *containerLog, error) {
	t.Helper()
	server := httptest.NewServer(k)
	defer server.Close()
	api, err := newAPI(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	l := &containerLog{api: api, path: "/log", query: url.Values{"timestamps": {"true"}}, w: &out}
	err = l.take(t.Context(), since, tail, most)
	return out.String(), l, err
}

func TestASmallLogIsTakenWholeInOneRequest(t *testing.T) {
	for name, lines := range map[string][]string{
		"of some lines":              logLines(500),
		"empty":                      nil,
		"whose last line goes on":    append(logLines(3), "2026-01-31T10:00:09Z no end"),
		"without timestamps":         {"plain\n", "lines\n"},
		"with a line of two buffers": {"2026-01-31T10:00:00Z " + strings.Repeat("long ", 30_000) + "\n", "2026-01-31T10:00:01Z next\n"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kubelet{lines: lines}
			got, _, err := takeLog(t, k, time.Time{}, 0, 4*mb)
			if err != nil {
				t.Fatal(err)
			}
			want := withoutStamps(lines)
			if name == "without timestamps" {
				want = strings.Join(lines, "")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(k.requests) != 1 {
				t.Errorf("%d requests", len(k.requests))
			}
		})
	}
}

func TestALongLogKeepsItsBeginningAndItsNewestPart(t *testing.T) {
	lines := logLines(30_000)
	got, l, err := takeLog(t, &kubelet{lines: lines}, time.Time{}, 0, 1*mb)
	if err != nil {
		t.Fatal(err)
	}
	all := withoutStamps(lines)
	before, after, ok := strings.Cut(got, "=== zbundle: lines between ")
	if !ok || !l.gap {
		t.Fatal("nothing says that lines were left out")
	}
	_, after, _ = strings.Cut(after, "\n")
	if !strings.HasPrefix(all, before) || !strings.HasSuffix(all, after) || !strings.HasSuffix(before, "\n") {
		t.Error("what was kept is not the log's beginning and its end")
	}
	if len(before) < 200*kb || len(before) > logHead || len(after) < mb/2 || len(got) > mb+mb/4 {
		t.Errorf("kept %d and %d bytes of %d", len(before), len(after), len(all))
	}
}

func TestALogALittleLongerThanItsBeginningHasNoGap(t *testing.T) {
	lines := logLines(2_000)
	got, l, err := takeLog(t, &kubelet{lines: lines}, time.Time{}, 0, 4*mb)
	if err != nil || l.gap {
		t.Fatalf("gap %t, error %v", l.gap, err)
	}
	if diff := cmp.Diff(withoutStamps(lines), got); diff != "" {
		t.Error("lines are lost or come twice")
	}
}

func TestALogThatBreaksOffIsResumedWithoutLossOrRepetition(t *testing.T) {
	lines := logLines(1_000)
	for _, cuts := range [][]int{{20_000}, {20_000, 10_000, 30_000}, {20_123, 99, 7_777}} {
		got, _, err := takeLog(t, &kubelet{lines: lines, cutAfter: cuts}, time.Time{}, 0, 4*mb)
		if err != nil {
			t.Errorf("cut after %v: %v", cuts, err)
		}
		if diff := cmp.Diff(withoutStamps(lines), got); diff != "" {
			t.Errorf("cut after %v: lines are lost or come twice", cuts)
		}
	}
}

func TestALogThatKeepsBreakingOffIsKeptAsFarAsItCame(t *testing.T) {
	lines := logLines(1_000)
	got, _, err := takeLog(t, &kubelet{lines: lines, cutAfter: []int{20_000, 1, 1, 1, 1, 1}}, time.Time{}, 0, 4*mb)
	if err == nil {
		t.Error("no error")
	}
	if len(got) == 0 || !strings.HasPrefix(withoutStamps(lines), got[:strings.LastIndexByte(got, '\n')+1]) {
		t.Errorf("kept %d bytes that are not the beginning", len(got))
	}
}

func TestLogsCanBeBoundByTimeAndByLines(t *testing.T) {
	lines := logLines(1_000)
	since := time.Date(2026, 1, 31, 10, 0, 30, 0, time.UTC)
	got, _, err := takeLog(t, &kubelet{lines: lines}, since, 0, 4*mb)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutStamps(lines[900:]), got); diff != "" {
		t.Errorf("since %s:\n%s", since, diff)
	}
	got, _, err = takeLog(t, &kubelet{lines: lines}, time.Time{}, 10, 4*mb)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutStamps(lines[990:]), got); diff != "" {
		t.Errorf("the last 10 lines:\n%s", diff)
	}
}
