package kubeapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	//lint:ignore SA1019 client-go's port-forward dialers still give these types
	"k8s.io/apimachinery/pkg/util/httpstream"
)

// fakeCluster has pods a to e in two namespaces, of which c alone logs and listens.
type fakeCluster struct{ *Store }

func (fakeCluster) Now() time.Time                 { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }
func (fakeCluster) Version() version.Info          { return version.Info{Major: "1", Minor: "36"} }
func (fakeCluster) Allowed(a Attributes) bool      { return a.Resource != "secrets" }
func (fakeCluster) Pod(_, name string) (Pod, bool) { p, ok := fakePods()[name]; return p, ok }
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, r.URL.RequestURI(), " ", Proxied(r.Context()))
}
func fakeLog(_ string, previous bool) (Log, bool) {
	return Log{Text: []byte("2026-01-31T11:58:00.000000Z\tinfo\tone\n2026-01-31T11:59:00.000000Z\tinfo\ttwo\n2026-01-31T11:59:30.000000Z\tinfo\tthree\n")}, !previous
}

func fakePods() map[string]Pod {
	ports := map[int32]Port{15020: {Handler: http.HandlerFunc(echo)}, 15000: {Handler: http.HandlerFunc(echo), Loopback: true}}
	return map[string]Pod{
		"c": {Namespace: "shop", Name: "c", UID: "1", IP: "10.0.0.3", Containers: []string{"app"}, Log: fakeLog, Ports: ports},
		"d": {Namespace: "shop", Name: "d", UID: "2", IP: "10.0.0.4", Containers: []string{"app"}, Log: fakeLog, KubeletError: "error dialing backend", Unreachable: true},
	}
}

func serve(t *testing.T) (*rest.Config, *kubernetes.Clientset) {
	t.Helper()
	core := func(plural, kind string, cluster bool, subresources ...Subresource) Resource {
		return Resource{GroupVersionResource: corev1.SchemeGroupVersion.WithResource(plural), Kind: kind, Singular: strings.ToLower(kind),
			ClusterScoped: cluster, Subresources: subresources, Fields: map[string][]string{"pods": {"spec.nodeName"}}[plural]}
	}
	pods := core("pods", "Pod", false, Subresource{"log", "Pod", []string{"get"}},
		Subresource{"portforward", "PodPortForwardOptions", []string{"create"}}, Subresource{"proxy", "PodProxyOptions", []string{"get"}})
	store := NewStore([]Resource{pods, core("secrets", "Secret", false)})
	for i, name := range []string{"e", "c", "a", "d", "b"} {
		err := store.Add(pods, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: map[bool]string{true: "pay", false: "shop"}[name < "c"], Name: name, Labels: map[string]string{"app": name}},
			Spec:       corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", i%2)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Seal(); err != nil {
		t.Fatal(err)
	}
	api := NewServer(func() Cluster { return fakeCluster{store} }, "reader",
		func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer token" })
	server := httptest.NewServer(api)
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
		server.CloseClientConnections()
		server.Close()
	})
	config := &rest.Config{Host: server.URL, BearerToken: "token"}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return config, client
}

func TestListsAreSelectedAndPaged(t *testing.T) {
	_, client := serve(t)
	tests := map[string]struct {
		namespace string
		options   metav1.ListOptions
		want      string
	}{
		"all, by namespace and name":  {"", metav1.ListOptions{}, "a b c d e"},
		"pages of two":                {"", metav1.ListOptions{Limit: 2}, "a b|c d|e"},
		"a namespace":                 {"shop", metav1.ListOptions{}, "c d e"},
		"a label":                     {"", metav1.ListOptions{LabelSelector: "app in (a, e)"}, "a e"},
		"a field":                     {"", metav1.ListOptions{FieldSelector: "spec.nodeName=node-1"}, "c d"},
		"a field, in pages of one":    {"", metav1.ListOptions{FieldSelector: "spec.nodeName=node-1", Limit: 1}, "c|d"},
		"both, and nothing is both":   {"", metav1.ListOptions{LabelSelector: "app=a", FieldSelector: "metadata.name=b"}, ""},
		"a label that nothing has on": {"", metav1.ListOptions{LabelSelector: "tier"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var pages []string
			for {
				list, err := client.CoreV1().Pods(test.namespace).List(t.Context(), test.options)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, p := range list.Items {
					names = append(names, p.Name)
				}
				pages = append(pages, strings.Join(names, " "))
				if test.options.Continue = list.Continue; list.Continue == "" {
					break
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(pages, "|")); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListsOfMetadataLeaveTheRestOut(t *testing.T) {
	config, _ := serve(t)
	client, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).List(t.Context(), metav1.ListOptions{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 || list.Items[0].Name != "a" || list.Continue == "" || *list.RemainingItemCount != 2 {
		t.Errorf("got %d items, continue %q: %+v", len(list.Items), list.Continue, list)
	}
}

func TestRefusalsHaveTheirCodes(t *testing.T) {
	config, client := serve(t)
	stranger, err := kubernetes.NewForConfig(&rest.Config{Host: config.Host})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	list := func(c *kubernetes.Clientset, options metav1.ListOptions) error {
		_, err := c.CoreV1().Pods("").List(ctx, options)
		return err
	}
	_, secrets := client.CoreV1().Secrets("shop").List(ctx, metav1.ListOptions{})
	_, absent := client.CoreV1().Pods("shop").Get(ctx, "none", metav1.GetOptions{})
	_, unknown := client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	for name, test := range map[string]struct {
		err  error
		code int32
	}{
		"a stranger":             {list(stranger, metav1.ListOptions{}), http.StatusUnauthorized},
		"what may not be read":   {secrets, http.StatusForbidden},
		"an object that is not":  {absent, http.StatusNotFound},
		"a resource that is not": {unknown, http.StatusNotFound},
		"an unknown field":       {list(client, metav1.ListOptions{FieldSelector: "spec.color=red"}), http.StatusBadRequest},
		"a token of nobody's":    {list(client, metav1.ListOptions{Continue: "%"}), http.StatusBadRequest},
	} {
		status, ok := test.err.(apierrors.APIStatus)
		if !ok || status.Status().Code != test.code {
			t.Errorf("%s: got %v, want %d", name, test.err, test.code)
		}
	}
	if want := `secrets is forbidden: User "reader" cannot list resource "secrets" in API group "" in the namespace "shop"`; secrets.Error() != want {
		t.Errorf("said %q, want %q", secrets, want)
	}
}

func TestLogsAreCutAsAsked(t *testing.T) {
	_, client := serve(t)
	number := func(n int64) *int64 { return &n }
	since := metav1.NewTime(time.Date(2026, 1, 31, 11, 59, 0, 0, time.UTC))
	const one, two, three = "2026-01-31T11:58:00.000000Z\tinfo\tone\n", "2026-01-31T11:59:00.000000Z\tinfo\ttwo\n", "2026-01-31T11:59:30.000000Z\tinfo\tthree\n"
	for name, test := range map[string]struct {
		pod     string
		options corev1.PodLogOptions
		want    string // "" for a refusal
	}{
		"whole":               {"c", corev1.PodLogOptions{}, one + two + three},
		"the last two":        {"c", corev1.PodLogOptions{TailLines: number(2)}, two + three},
		"since a moment":      {"c", corev1.PodLogOptions{SinceTime: &since}, two + three},
		"of the last seconds": {"c", corev1.PodLogOptions{SinceSeconds: number(45)}, three},
		"so many bytes":       {"c", corev1.PodLogOptions{TailLines: number(1), LimitBytes: number(10)}, three[:10]},
		"stamped":             {"c", corev1.PodLogOptions{TailLines: number(1), Timestamps: true}, "2026-01-31T11:59:30.000000000Z " + three},
		"no previous":         {"c", corev1.PodLogOptions{Previous: true}, ""},
		"no such container":   {"c", corev1.PodLogOptions{Container: "sidecar"}, ""},
		"no kubelet":          {"d", corev1.PodLogOptions{}, ""},
		"no such pod":         {"x", corev1.PodLogOptions{}, ""},
	} {
		got, err := client.CoreV1().Pods("shop").GetLogs(test.pod, &test.options).DoRaw(t.Context())
		if err != nil && test.want != "" || err == nil && string(got) != test.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, test.want)
		}
	}
}

func TestPortsAreReachedByProxyAndPortForward(t *testing.T) {
	config, client := serve(t)
	proxied := func(pod, port string) string {
		text, err := client.CoreV1().Pods("shop").ProxyGet("", pod, port, "/metrics", map[string]string{"a": "b"}).DoRaw(t.Context())
		if err != nil {
			return "refused"
		}
		return string(text)
	}
	for at, want := range map[[2]string]string{{"c", "15020"}: "/metrics?a=b true", {"c", "15000"}: "refused", {"c", "9"}: "refused", {"d", "15020"}: "refused"} {
		if got := proxied(at[0], at[1]); got != want {
			t.Errorf("pod proxy to %v: got %q, want %q", at, got, want)
		}
	}
	target, err := url.Parse(config.Host + "/api/v1/namespaces/shop/pods/c/portforward")
	if err != nil {
		t.Fatal(err)
	}
	for name, dial := range map[string]func() (httpstream.Dialer, error){
		"SPDY": func() (httpstream.Dialer, error) {
			transport, upgrader, err := spdy.RoundTripperFor(config)
			return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target), err
		},
		"SPDY in a WebSocket": func() (httpstream.Dialer, error) { return portforward.NewSPDYOverWebsocketDialer(target, config) },
	} {
		dialer, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		got, err := getForwarded(t.Context(), dialer, 15000, "/config_dump")
		if err != nil || got != "/config_dump false" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if _, err := getForwarded(t.Context(), dialer, 9, "/"); err == nil {
			t.Errorf("%s: a port that nobody listens on answered", name)
		}
	}
}

// getForwarded asks a port for a path through a port-forward.
func getForwarded(ctx context.Context, dialer httpstream.Dialer, port int, path string) (string, error) {
	stop, ready, failed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		return "", err
	}
	defer func() { close(stop); <-failed }()
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", ports[0].Local, path), nil)
	if err != nil {
		return "", err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
