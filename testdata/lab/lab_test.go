package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

const (
	zbundle       = "../../bin/zbundle"
	settled       = 65 * time.Second // pods younger than a minute are not judged
	exitClean     = 0
	exitFindings  = 3
	exitUndecided = 4
	exitGaps      = 5

	exitInterrupted = 130
)

// report is what the test reads of `zbundle analyze -o json`.
type report struct {
	Verdict  string
	Findings []struct {
		ID, Severity string
		Subjects     []struct{ Kind, Namespace, Name string }
	}
	Undecided []struct{ ID string }
}

// found are the findings at or above a notice, each with its subjects.
func (r report) found() []string {
	out := []string{}
	for _, f := range r.Findings {
		if f.Severity == "hint" {
			continue
		}
		var names []string
		for _, s := range f.Subjects {
			names = append(names, strings.TrimPrefix(s.Namespace+"/"+s.Name, "/"))
		}
		slices.Sort(names)
		out = append(out, f.ID+": "+strings.Join(names, ", "))
	}
	slices.Sort(out)
	return out
}

func run(t *testing.T, want int, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(zbundle, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Errorf("zbundle %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, stderr.Bytes(), stdout.Bytes())
	}
	return stdout.Bytes()
}

// examine collects as a user and analyzes what was collected.
func (w *world) examine(t *testing.T, user string, collected, analyzed int) (report, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.tgz")
	run(t, collected, "collect", "--kubeconfig", w.Kubeconfig(t, user), "--metrics-interval", "10ms", "-o", file)
	out := run(t, analyzed, "analyze", "-o", "json", file)
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r, file
}

func TestAmbientMeshOnARealControlPlane(t *testing.T) {
	w := startWorld(t)
	t.Run("the stand-in serves what real ztunnels of its version serve", w.likeRecorded)
	await(t, "pods a minute old", 2*time.Minute, func(ctx context.Context) error {
		pods, err := w.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, listAll)
		for i := range pods.Items {
			if age := time.Since(pods.Items[i].CreationTimestamp.Time); age < settled {
				return fmt.Errorf("%s is %s old", pods.Items[i].Name, age)
			}
		}
		return err
	})
	t.Run("healthy", w.healthy)
	t.Run("every ztunnel's dump comes back out of the bundle", w.dumpsComeBack)
	t.Run("in a bug report of istioctl", w.inABugReport)
	for _, f := range w.faults() {
		t.Run(f.name, func(t *testing.T) {
			f.plant(t)
			r, _ := w.examine(t, collector, exitClean, exitFindings)
			if diff := cmp.Diff(f.found, r.found()); diff != "" {
				t.Errorf("findings (-planted +found):\n%s", diff)
			}
		})
	}
	t.Run("without the right to port-forward", w.withoutPortForward)
	t.Run("broken", w.broken)
	t.Run("healthy again", w.healthy)
	t.Run("as the Job's service account", w.deployed)
	t.Run("secrets stay in the cluster", w.plantedSecrets)
}

func (w *world) healthy(t *testing.T) {
	r, file := w.examine(t, collector, exitClean, exitClean)
	if r.Verdict != "clean" || len(r.Findings) > 0 || len(r.Undecided) > 0 {
		t.Errorf("verdict %s, findings %v, undecided %v", r.Verdict, r.found(), r.Undecided)
	}
	w.readByIstioctl(t, file)
}

// readByIstioctl gives a section of a dump, as it lies in the bundle, to istioctl.
func (w *world) readByIstioctl(t *testing.T, file string) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "xzf", file, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	sections := must[[]string](t)(filepath.Glob(filepath.Join(dir, "*/nodes/*/ztunnel/*/config_dump/workloads.json")))
	if len(sections) != len(w.ztunnels) {
		t.Fatalf("%d workloads sections of %d ztunnels", len(sections), len(w.ztunnels))
	}
	for _, section := range sections {
		out, err := exec.Command(filepath.Join(os.Getenv("LAB_BIN"), "istioctl"), "ztunnel-config", "workload", "-f", section).CombinedOutput()
		if err != nil {
			t.Fatalf("istioctl ztunnel-config workload -f %s: %v\n%s", section, err, out)
		}
		for name := range w.pods {
			if !bytes.Contains(out, []byte(name)) {
				t.Errorf("istioctl lists no %s:\n%s", name, out)
			}
		}
	}
}

// fault is something to do to the mesh until the test ends.
type fault struct {
	name  string
	plant func(*testing.T)
	found []string
}

func (w *world) faults() []fault {
	ratings, details := w.named("ratings"), w.named("details")
	first, second, third := w.ztunnels["worker-1"], w.ztunnels["worker-2"], w.ztunnels["worker-3"]
	uid := "Kubernetes//Pod/" + ratings.Namespace + "/" + ratings.Name
	return []fault{
		{"a workload that one ztunnel lost", func(t *testing.T) {
			first.plant(t, func(s *state) { s.hidden[uid] = true })
		}, []string{"workload-missing-in-ztunnel: " + apps + "/" + ratings.Name}},
		{"a certificate that istiod does not sign", func(t *testing.T) {
			second.plant(t, func(s *state) {
				s.certificates[identity(details)] = ztunnel.Certificate{
					Identity: identity(details), CertChain: []ztunnel.Cert{}, RootCerts: []ztunnel.Cert{},
					State: "Unavailable: signing gRPC error (The request does not have valid authentication credentials): request impersonation authentication failure",
				}
			})
		}, []string{"cert-unavailable: " + identity(details)}},
		{"a certificate that ran out", func(t *testing.T) {
			expired := w.ca.issue(t, identity(details), time.Now().Add(-25*time.Hour), time.Now().Add(-time.Hour))
			second.plant(t, func(s *state) { s.certificates[identity(details)] = expired })
		}, []string{"cert-expired: " + identity(details)}},
		{"traffic that went in plain text", func(t *testing.T) {
			for _, z := range w.ztunnels {
				z.plant(t, func(*state) {})
			}
			for range 6 {
				w.call(t, details, ratings, true)
			}
		}, []string{"hbone-absent: " + apps + "/" + details.Name}},
		{"a ztunnel without a stream from istiod", func(t *testing.T) {
			third.stream.close()
			t.Cleanup(func() { third.stream.open(t) })
			third.plant(t, func(s *state) {
				for retry := 20 * time.Millisecond; retry < 15*time.Second; retry *= 2 {
					s.failures++
					s.lines = append(s.lines, fmt.Sprintf("%s\twarn\txds::client:xds{id=%d}\tXDS client connection error: gRPC connection error connecting to "+
						"https://istiod.istio-system.svc:15012: status: Unknown, message: \"client error (Connect)\", source: tcp connect error, retrying in %s\t",
						now(), s.failures+1, retry))
				}
			})
		}, []string{"xds-cannot-connect: " + system + "/" + third.pod.Name}},
		{"an enrolled pod that its node's ztunnel does not hold", func(t *testing.T) {
			third.plant(t, func(s *state) { delete(s.proxies, string(ratings.UID)) })
		}, []string{"pod-enrolled-not-in-ztunnel: " + apps + "/" + ratings.Name}},
	}
}

func (w *world) withoutPortForward(t *testing.T) {
	r, _ := w.examine(t, noForward, exitGaps, exitUndecided)
	if len(r.Findings) > 0 || len(r.Undecided) == 0 {
		t.Errorf("findings %v, %d rules undecided", r.found(), len(r.Undecided))
	}
}
