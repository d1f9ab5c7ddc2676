package sim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	//lint:ignore SA1019 client-go's port-forward dialers still give these types
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

const recordings = "../../testdata/ztunnel"

func start(t *testing.T, opts Options) (*Cluster, *kubernetes.Clientset) {
	t.Helper()
	c, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c, client
}

func replayed(scenario string) Options {
	return Options{Replay: filepath.Join(recordings, filepath.FromSlash(scenario))}
}

type dial func(config *rest.Config, target *url.URL) (httpstream.Dialer, error)

func dialSPDY(config *rest.Config, target *url.URL) (httpstream.Dialer, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target), nil
}

func dialWebSocket(config *rest.Config, target *url.URL) (httpstream.Dialer, error) {
	return portforward.NewSPDYOverWebsocketDialer(target, config)
}

// forwardedGet asks a pod's port for path through a port-forward.
func forwardedGet(ctx context.Context, c *Cluster, dial dial, pod string, number int, path string) (*http.Response, []byte, error) {
	target, err := url.Parse(c.URL() + "/api/v1/namespaces/istio-system/pods/" + pod + "/portforward")
	if err != nil {
		return nil, nil, err
	}
	dialer, err := dial(c.RESTConfig(), target)
	if err != nil {
		return nil, nil, err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	defer close(stop)
	var problems strings.Builder
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", number)},
		stop, ready, io.Discard, &problems)
	if err != nil {
		return nil, nil, err
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return nil, nil, err
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", ports[0].Local, path), nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

func TestPortForwardServesBothTransports(t *testing.T) {
	c, _ := start(t, replayed("1.30.3/healthy"))
	want, err := os.ReadFile(filepath.Join(recordings, "1.30.3/healthy/worker-1/config_dump.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, dial := range map[string]dial{"SPDY": dialSPDY, "WebSocket": dialWebSocket} {
		t.Run(name, func(t *testing.T) {
			response, got, err := forwardedGet(t.Context(), c, dial, "ztunnel-7xk2p", 15000, "/config_dump")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("config dump (-recorded +served):\n%s", diff)
			}
			if got, want := response.Header.Get("Date"), "Mon, 23 Nov 2026 07:56:51 GMT"; got != want {
				t.Errorf("Date is %q, want the recorded moment %q", got, want)
			}
			if got := response.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type is %q", got)
			}
		})
	}
}

func TestPortForwardToAClosedPortFails(t *testing.T) {
	c, _ := start(t, replayed("1.30.3/healthy"))
	_, _, err := forwardedGet(t.Context(), c, dialSPDY, "ztunnel-7xk2p", 9, "/")
	if err == nil {
		t.Error("a port that nobody listens on answered")
	}
}

func TestListsArePaged(t *testing.T) {
	_, client := start(t, replayed("1.30.3/healthy"))
	var names []string
	options := metav1.ListOptions{Limit: 3}
	for {
		page, err := client.CoreV1().Pods("").List(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > 3 {
			t.Fatalf("a page of %d items, want at most 3", len(page.Items))
		}
		for _, p := range page.Items {
			names = append(names, p.Namespace+"/"+p.Name)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	all, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range all.Items {
		want = append(want, p.Namespace+"/"+p.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("pages together differ from the whole list (-whole +pages):\n%s", diff)
	}
}

func TestSelectors(t *testing.T) {
	_, client := start(t, replayed("1.30.3/healthy"))
	tests := map[string]struct {
		options metav1.ListOptions
		want    []string
	}{
		"label":            {metav1.ListOptions{LabelSelector: "app=ztunnel"}, []string{"ztunnel-7xk2p", "ztunnel-q9w4d"}},
		"label and field":  {metav1.ListOptions{LabelSelector: "app=ztunnel", FieldSelector: "spec.nodeName=worker-2"}, []string{"ztunnel-q9w4d"}},
		"set-based label":  {metav1.ListOptions{LabelSelector: "app in (details, billing)"}, []string{"details-59f8b6d7c-m6qjd", "billing-84d6c5f9b-tt7rs"}},
		"name":             {metav1.ListOptions{FieldSelector: "metadata.name=ztunnel-q9w4d"}, []string{"ztunnel-q9w4d"}},
		"nothing selected": {metav1.ListOptions{LabelSelector: "app=none"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pods, err := client.CoreV1().Pods("").List(t.Context(), test.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range pods.Items {
				got = append(got, p.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("selected pods (-want +got):\n%s", diff)
			}
		})
	}
	_, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.color=red"})
	if !apierrors.IsBadRequest(err) {
		t.Errorf("an unknown field selector gave %v, want a bad request", err)
	}
}

func TestFailuresAreStatuses(t *testing.T) {
	c, client := start(t, replayed("1.30.3/healthy"))
	if _, err := client.CoreV1().Pods("web").Get(t.Context(), "none", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("an absent pod gave %v, want not found", err)
	}
	if _, err := client.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing secrets gave %v, want forbidden", err)
	}
	anonymous := c.RESTConfig()
	anonymous.CertData, anonymous.KeyData = nil, nil
	stranger, err := kubernetes.NewForConfig(anonymous)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("a stranger got %v, want unauthorized", err)
	}
}

func TestDiscoveryNamesWhatIsServed(t *testing.T) {
	_, client := start(t, replayed("1.30.3/healthy"))
	_, lists, err := client.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, list := range lists {
		for _, r := range list.APIResources {
			found[list.GroupVersion+"/"+r.Name] = true
		}
	}
	for _, want := range []string{"v1/pods", "v1/pods/portforward", "apps/v1/daemonsets",
		"security.istio.io/v1/authorizationpolicies", "gateway.networking.k8s.io/v1/gateways"} {
		if !found[want] {
			t.Errorf("discovery doesn't name %s", want)
		}
	}
}

func TestPodLogOptions(t *testing.T) {
	_, client := start(t, replayed("1.32-dev/restart"))
	read := func(options corev1.PodLogOptions) string {
		text, err := client.CoreV1().Pods("istio-system").GetLogs("ztunnel-q9w4d", &options).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	whole := read(corev1.PodLogOptions{Container: "istio-proxy"})
	before := read(corev1.PodLogOptions{Previous: true})
	recorded, err := os.ReadFile(filepath.Join(recordings, "1.32-dev/restart/worker-2/log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(recorded), before+whole); diff != "" {
		t.Errorf("previous and current log together differ from the recording:\n%s", diff)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	tail, three := read(corev1.PodLogOptions{TailLines: new(int64(3))}), strings.Join(lines[len(lines)-3:], "")+"\n"
	if diff := cmp.Diff(three, tail); diff != "" {
		t.Errorf("tailLines (-want +got):\n%s", diff)
	}
	if got := read(corev1.PodLogOptions{LimitBytes: new(int64(10))}); got != whole[:10] {
		t.Errorf("limitBytes gave %q", got)
	}
	if got := read(corev1.PodLogOptions{SinceTime: &metav1.Time{Time: time.Now()}}); got != "" {
		t.Errorf("sinceTime after the last line gave %q", got)
	}
	scanner := bufio.NewScanner(strings.NewReader(read(corev1.PodLogOptions{Timestamps: true})))
	for scanner.Scan() {
		stamp, _, _ := strings.Cut(scanner.Text(), " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
			t.Fatalf("line without a timestamp: %q", scanner.Text())
		}
	}
	pod, err := client.CoreV1().Pods("istio-system").Get(t.Context(), "ztunnel-q9w4d", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := pod.Status.ContainerStatuses[0].RestartCount; got != 1 {
		t.Errorf("restart count is %d, want 1", got)
	}
	other := client.CoreV1().Pods("istio-system").GetLogs("ztunnel-7xk2p", &corev1.PodLogOptions{Previous: true})
	if _, err := other.DoRaw(t.Context()); !apierrors.IsBadRequest(err) {
		t.Errorf("the previous log of a container that never restarted gave %v, want a bad request", err)
	}
}

func TestKubeconfigIsPrivate(t *testing.T) {
	c, _ := start(t, replayed("1.30.3/healthy"))
	path := filepath.Join(t.TempDir(), "config")
	if err := c.Kubeconfig(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode is %o, want 600", got)
	}
}

// TestReplayServesTheRecordings asks every recorded ztunnel for all that was recorded of it.
func TestReplayServesTheRecordings(t *testing.T) {
	worlds, err := filepath.Glob(filepath.Join(recordings, "*", "*", "world.json"))
	if err != nil || len(worlds) == 0 {
		t.Fatalf("no recorded worlds: %v", err)
	}
	for _, path := range worlds {
		dir := filepath.Dir(path)
		name, err := filepath.Rel(recordings, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			c, client := start(t, Options{Replay: dir})
			pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: "app=ztunnel"})
			if err != nil {
				t.Fatal(err)
			}
			for _, pod := range pods.Items {
				checkRecorded(t, c, client, &pod, filepath.Join(dir, pod.Spec.NodeName))
			}
		})
	}
}

func checkRecorded(t *testing.T, c *Cluster, client *kubernetes.Clientset, pod *corev1.Pod, dir string) {
	t.Helper()
	served := map[string]string{}
	for file, at := range map[string]struct {
		number int
		path   string
	}{"config_dump.json": {15000, "/config_dump"}, "metrics.txt": {15020, "/metrics"}, "ready.txt": {15021, "/healthz/ready"}} {
		response, body, err := forwardedGet(t.Context(), c, dialSPDY, pod.Name, at.number, at.path)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		served[file] = string(body)
		if file == "ready.txt" {
			served[file] = response.Proto + " " + response.Status + "\n\n" + string(body)
		}
	}
	for _, previous := range []bool{true, false} {
		if previous && pod.Status.ContainerStatuses[0].RestartCount == 0 {
			continue
		}
		text, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Previous: previous}).DoRaw(t.Context())
		if err != nil {
			t.Fatalf("log: %v", err)
		}
		served["log.txt"] += string(text)
	}
	for file, got := range served {
		want, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from its recording:\n%s", file, cmp.Diff(string(want), got))
		}
	}
}
