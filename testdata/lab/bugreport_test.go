package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inABugReport analyzes what istioctl's own command makes of the mesh.
func (w *world) inABugReport(t *testing.T) {
	ratings := w.named("ratings")
	w.ztunnels["worker-1"].plant(t, func(s *state) { s.hidden["Kubernetes//Pod/"+ratings.Namespace+"/"+ratings.Name] = true })
	dir := t.TempDir()
	cmd := exec.Command(filepath.Join(os.Getenv("LAB_BIN"), "istioctl"), "bug-report", "--kubeconfig", w.Kubeconfig(t, admin),
		"--skip-analyze", "--skip-netstat", "--skip-coredumps", "--timeout", time.Minute.String(), "--output-dir", dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("istioctl bug-report: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "bug-report.tar.gz")
	var r report
	if err := json.Unmarshal(run(t, exitFindings, "analyze", "-o", "json", file), &r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"workload-missing-in-ztunnel: " + apps + "/" + ratings.Name}, r.found()); diff != "" {
		t.Errorf("findings (-planted +found):\n%s", diff)
	}
	text := strings.Join(strings.Fields(string(run(t, exitFindings, "analyze", file))), " ")
	for rule, why := range map[string]string{
		"ztunnel-not-ready": "skipped: istioctl bug-report does not take it",             // the readiness of ztunnels
		"xds-unacked":       "skipped: it is not in this archive of istioctl bug-report", // istiod's answers: there is no exec here
	} {
		undecided := slices.ContainsFunc(r.Undecided, func(u struct{ ID string }) bool { return u.ID == rule })
		if !undecided || !strings.Contains(text, why) || !strings.Contains(text, rule) {
			t.Errorf("%s is undecided: %v; the report says nothing of %q:\n%s", rule, undecided, why, text)
		}
	}
}
