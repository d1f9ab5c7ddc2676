package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/layout"
)

// broken breaks what only a real API server and a kubelet's own port-forward
// show: each time the run ends, the bundle is whole but for what was broken and
// says why, and nothing that depends on that is decided.
func (w *world) broken(t *testing.T) {
	hurt, away := w.ztunnels["worker-2"], w.ztunnels["worker-3"]
	dump := func(t *testing.T) []byte { return must[[]byte](t)(hurt.dump()) }
	for _, b := range []struct {
		name      string
		plant     func(*testing.T)
		pods      []string // whose answers may be missing
		gap       string   // of the first one's dump, as the manifest has it: "STATUS: REASON"
		undecided string   // a rule
	}{
		{"a ztunnel that never answers", func(t *testing.T) {
			w.breakDumps(t, hurt, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, []string{hurt.pod.Name}, "timeout: no answer within 4s", "workload-missing-in-ztunnel"},
		{"a ztunnel that stops in mid-answer", func(t *testing.T) {
			text := dump(t)
			w.breakDumps(t, hurt, func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write(text[:len(text)/2])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
		}, []string{hurt.pod.Name}, "timeout: nothing came for 4s", "workload-missing-in-ztunnel"},
		{"a ztunnel that drips", func(t *testing.T) {
			text := dump(t)
			w.breakDumps(t, hurt, func(w http.ResponseWriter, r *http.Request) {
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for i := range text {
					_, _ = w.Write(text[i : i+1])
					_ = http.NewResponseController(w).Flush()
					select {
					case <-tick.C:
					case <-r.Context().Done():
						return
					}
				}
			})
		}, []string{hurt.pod.Name}, "timeout: no whole answer within 16s", "workload-missing-in-ztunnel"},
		{"a ztunnel whose dump ends too early", func(t *testing.T) {
			text := dump(t)
			w.breakDumps(t, hurt, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text[:len(text)/2]) })
		}, []string{hurt.pod.Name}, "truncated: the answer broke off", "workload-missing-in-ztunnel"},
		{"a dead kubelet", func(t *testing.T) {
			w.killKubelet(t, away.pod.Spec.NodeName)
		}, []string{away.pod.Name, "istio-cni-node-c4wv9"}, "failed: port-forward to pod istio-system/" + away.pod.Name, "workload-missing-in-ztunnel"},
	} {
		t.Run(b.name, func(t *testing.T) {
			b.plant(t)
			o := w.collect(t, nil, nil)
			if o.code != exitGaps || o.report.Verdict != "undecided" {
				t.Errorf("exit %d, verdict %s; want %d and undecided\n%s", o.code, o.report.Verdict, exitGaps, o.said)
			}
			gaps := o.gaps()
			if got := gaps["ztunnel/config_dump "+b.pods[0]]; !strings.HasPrefix(got, b.gap) {
				t.Errorf("of the dump the manifest says %q, want %q", got, b.gap)
			}
			for what, why := range gaps {
				if _, pod, _ := strings.Cut(what, " "); !slices.Contains(b.pods, pod) {
					t.Errorf("%s is missing as well: %s", what, why)
				}
			}
			if !slices.ContainsFunc(o.report.Undecided, func(u struct{ ID string }) bool { return u.ID == b.undecided }) {
				t.Errorf("%s is decided; undecided are %v", b.undecided, o.report.Undecided)
			}
			if len(o.report.found()) > 0 {
				t.Errorf("found %v", o.report.found())
			}
		})
	}
	t.Run("interrupted", w.interrupted)
	t.Run("an API server that is killed and comes back", w.restarted)
}

// interrupted ends a run by Ctrl-C while a ztunnel keeps it waiting.
func (w *world) interrupted(t *testing.T) {
	asked := make(chan struct{}, 8)
	w.breakDumps(t, w.ztunnels["worker-2"], func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	o := w.collect(t, asked, func(cmd *exec.Cmd) {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}, "--request-timeout", "5m")
	if o.code != exitInterrupted || o.manifest.Incomplete != "interrupted" || o.report.Verdict != "undecided" {
		t.Errorf("exit %d, incomplete: %s, verdict %s; want %d, interrupted, undecided\n%s", o.code, o.manifest.Incomplete, o.report.Verdict, exitInterrupted, o.said)
	}
}

// passing is how the loss of the API server may read, where it was away for longer than there was patience.
var passing = regexp.MustCompile("refused|broke off|lost connection|EOF|answered 5|closed|no answer within|reset")

// restarted kills the API server while a ztunnel answers through it.
func (w *world) restarted(t *testing.T) {
	hurt := w.ztunnels["worker-2"]
	text := must[[]byte](t)(hurt.dump())
	asked, back := make(chan struct{}, 8), make(chan struct{})
	w.breakDumps(t, hurt, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-back:
			_, _ = w.Write(text)
		case <-r.Context().Done():
		}
	})
	o := w.collect(t, asked, func(*exec.Cmd) {
		w.apiServer.restart(t)
		w.awaitAPIServer(t)
		close(back)
	}, "--request-timeout", "2m")
	gaps := o.gaps()
	t.Logf("%d gaps after the API server was back", len(gaps))
	for what, why := range gaps {
		if !passing.MatchString(why) {
			t.Errorf("%s is missing: %s", what, why)
		}
	}
	code, verdict := exitClean, "clean"
	if len(gaps) > 0 {
		code, verdict = exitGaps, "undecided"
	}
	if o.code != code || o.report.Verdict != verdict || len(o.report.found()) > 0 {
		t.Errorf("with gaps %v: exit %d, verdict %s, found %v; want %d, %s\n%s", gaps, o.code, o.report.Verdict, o.report.found(), code, verdict, o.said)
	}
}

// outcome is what came of one run.
type outcome struct {
	code     int
	said     string
	manifest bundle.Manifest
	report   report
}

// gaps are how tasks ended that did not bring all they were to bring, by "TASK POD".
func (o outcome) gaps() map[string]string {
	out := map[string]string{}
	for _, task := range o.manifest.Tasks {
		if !task.Status.Complete() {
			out[strings.TrimSpace(task.ID+" "+task.Target.Name)] = string(task.Status) + ": " + task.Reason
		}
	}
	return out
}

// collect runs to the end, and verifies and analyzes the bundle. Where there
// is something to do in the middle, it is done once a ztunnel was asked.
func (w *world) collect(t *testing.T, asked <-chan struct{}, do func(*exec.Cmd), args ...string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.tgz")
	cmd := exec.CommandContext(t.Context(), zbundle, append([]string{
		"collect", "--kubeconfig", w.Kubeconfig(t, collector), "--metrics-interval", "10ms", "--request-timeout", "4s", "--timeout", "5m", "-o", file,
	}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-asked:
		do(cmd)
	case err := <-ended:
		ended <- err
		if asked != nil {
			t.Error("the run ended before the ztunnel was asked")
		}
	}
	var exit *exec.ExitError
	if err := <-ended; err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{code: cmd.ProcessState.ExitCode(), said: said.String()}
	run(t, exitClean, "verify", file)
	if err := json.Unmarshal(run(t, exitClean, "cat", file, layout.Manifest), &o.manifest); err != nil {
		t.Fatal(err)
	}
	analyzed := exitUndecided
	if o.manifest.Complete {
		analyzed = exitClean
	}
	if err := json.Unmarshal(run(t, analyzed, "analyze", "-o", "json", file), &o.report); err != nil {
		t.Fatal(err)
	}
	return o
}
