package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/replay"
)

// altered copies a recorded world and lets change edit its world.json.
func altered(t *testing.T, scenario string, change func(world map[string]any)) Options {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(recordings, filepath.FromSlash(scenario)))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "world.json")
	var world map[string]any
	if err := json.Unmarshal(readFile(t, path), &world); err != nil {
		t.Fatal(err)
	}
	change(world)
	text, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return Options{Replay: dir}
}

func TestReplayedPodsLookAsTheirWorldSays(t *testing.T) {
	set := func(pod int, values map[string]any) func(map[string]any) {
		return func(world map[string]any) {
			for key, value := range values {
				world["pods"].([]any)[pod].(map[string]any)[key] = value
			}
		}
	}
	type look struct{ Annotation, PodMode, NamespaceMode string }
	tests := map[string]struct {
		pod    int
		values map[string]any
		want   look
	}{
		"enrolled":                {0, nil, look{"enabled", "", "ambient"}},
		"outside the mesh":        {5, nil, look{"", "", ""}},
		"enrolment pending":       {5, map[string]any{"redirection": "pending", "protocol": "TCP"}, look{"pending", "", "ambient"}},
		"opted out of its own ns": {1, map[string]any{"redirection": nil}, look{"", "none", "ambient"}},
		"unknown to istiod":       {0, map[string]any{"inXds": false}, look{"enabled", "", "ambient"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := start(t, altered(t, "1.30.3/healthy", set(test.pod, test.values)))
			world, err := replay.ReadRecording(filepath.Join(recordings, "1.30.3", "healthy"))
			if err != nil {
				t.Fatal(err)
			}
			recorded := world.Pods[test.pod]
			pod, err := client.CoreV1().Pods(recorded.Namespace).Get(t.Context(), recorded.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			ns, err := client.CoreV1().Namespaces().Get(t.Context(), recorded.Namespace, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := look{pod.Annotations[istio.RedirectionAnnotation], pod.Labels[istio.DataplaneModeLabel], ns.Labels[istio.DataplaneModeLabel]}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			if string(pod.UID) != recorded.UID || pod.Status.PodIP != recorded.IP || pod.Spec.NodeName != recorded.Node {
				t.Errorf("pod is %s at %s on %s, recorded as %+v", pod.UID, pod.Status.PodIP, pod.Spec.NodeName, recorded)
			}
		})
	}
}

func TestReplayedPodsAreAsOldAsTheirWorld(t *testing.T) {
	_, client := start(t, replayed("1.28.9/churn"))
	tests := map[string]time.Time{
		"reviews-5b9d7c6f8-hh4tw": time.Date(2026, 11, 23, 6, 45, 41, 0, time.UTC), // in the first snapshot
		"reviews-7f9c8d5b4-gen3x": time.Date(2026, 11, 23, 7, 45, 41, 0, time.UTC), // its `pod received` line
	}
	for name, want := range tests {
		pod, err := client.CoreV1().Pods("bookinfo").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := pod.CreationTimestamp.UTC(); !got.Equal(want) {
			t.Errorf("%s was created at %v, want %v", name, got, want)
		}
	}
}

func TestReplayedReadinessIsThePodsToo(t *testing.T) {
	_, client := start(t, replayed("1.28.9/cni_gone"))
	for pod, want := range map[string]bool{"ztunnel-7xk2p": true, "ztunnel-q9w4d": false} {
		got, err := client.CoreV1().Pods("istio-system").Get(t.Context(), pod, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if ready := got.Status.ContainerStatuses[0].Ready; ready != want {
			t.Errorf("%s: ready is %t, want %t", pod, ready, want)
		}
	}
}
