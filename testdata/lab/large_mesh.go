package lab

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	zistiod "github.com/zbundle/zbundle/internal/istiod"
)

// size is that of a large mesh.
type size struct {
	nodes, workloads int
	logBytes         int // of each ztunnel's log
}

// podsPerApp is how many pods serve one application; each third application
// has two services, so that ztunnels list the services of its pods in orders of their own.
const (
	podsPerApp = 3
	namespaces = 20
)

func namespaceOf(app int) string { return fmt.Sprintf("team-%d", app%namespaces) }

// startLargeMesh runs a mesh of which each ztunnel has a large dump and a long log.
// They are files before anybody asks: what is measured is not how they are made.
func startLargeMesh(t *testing.T, s size) *world {
	t.Helper()
	w := &world{controlPlane: startControlPlane(t), ca: newAuthority(t), ztunnels: map[string]*standIn{}, pods: map[string]*corev1.Pod{}}
	nodes := make([]string, s.nodes)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("worker-%d", i+1)
		w.node(t, nodes[i])
	}
	w.namespace(t, system, nil)
	w.rights(t)
	w.namespace(t, apps, map[string]string{"istio.io/dataplane-mode": "ambient"})
	for i := range namespaces {
		w.namespace(t, namespaceOf(i), map[string]string{"istio.io/dataplane-mode": "ambient"})
	}
	w.populate(t, s.workloads, nodes)
	w.controlPod(t)
	w.policy(t)

	ztunnels, cnis := w.agents(t, s.nodes)
	var agents []*corev1.Pod
	for i, n := range nodes {
		agents = append(agents, w.pod(t, podOf(ztunnels, n, fmt.Sprintf("ztunnel-%05d", i))))
		w.cni(t, w.pod(t, podOf(cnis, n, fmt.Sprintf("istio-cni-node-%05d", i))))
	}
	var sent *zistiod.ConfigDump
	for _, a := range agents {
		z := w.newStandIn(t, a)
		if sent == nil {
			sent = must[*zistiod.ConfigDump](t)(z.stream.held())
		}
		// All are sent the same, which is too much to hold in one process fifty times.
		z.stream.forget()
		w.enlarge(t, z, sent, s.logBytes)
		w.ztunnels[a.Spec.NodeName] = z
	}
	return w
}

// populate makes the applications, spread over the nodes, and waits until kwok runs them.
func (w *world) populate(t *testing.T, workloads int, nodes []string) {
	t.Helper()
	config := rest.CopyConfig(w.config)
	config.QPS, config.Burst = 2000, 4000
	client := kubernetes.NewForConfigOrDie(config)
	ctx := t.Context()
	work := make(chan int)
	var makers sync.WaitGroup
	for range 16 {
		makers.Go(func() {
			for app := range work {
				if err := createApp(ctx, client, app, workloads, nodes); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for app := range (workloads + podsPerApp - 1) / podsPerApp {
		work <- app
	}
	close(work)
	makers.Wait()
	pods := client.CoreV1().Pods(metav1.NamespaceAll)
	await(t, "applications running", 10*time.Minute, func(ctx context.Context) error {
		waiting, err := pods.List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Running", Limit: 1})
		if err == nil && len(waiting.Items) > 0 {
			err = fmt.Errorf("%s is %s", waiting.Items[0].Name, waiting.Items[0].Status.Phase)
		}
		return err
	})
	running := must[*corev1.PodList](t)(pods.List(ctx, listAll))
	for i := range running.Items {
		w.pods[running.Items[i].Name] = &running.Items[i]
	}
}

// createApp makes an application with its account, services and pods, of so many in all.
func createApp(ctx context.Context, client kubernetes.Interface, app, workloads int, nodes []string) error {
	namespace, name := namespaceOf(app), fmt.Sprintf("app-%d", app)
	core := client.CoreV1()
	if _, err := core.ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, createNew); err != nil {
		return err
	}
	for _, service := range servicesOf(app) {
		if _, err := core.Services(namespace).Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: service},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{"app": name},
				Ports:    []corev1.ServicePort{{Name: "tcp", Port: 80, TargetPort: intstr.FromInt32(appPort)}},
			},
		}, createNew); err != nil {
			return err
		}
	}
	for i := app * podsPerApp; i < min((app+1)*podsPerApp, workloads); i++ {
		if _, err := core.Pods(namespace).Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%09x-%05d", name, app, i), Labels: map[string]string{"app": name},
				Annotations: map[string]string{"ambient.istio.io/redirection": "enabled"},
			},
			Spec: corev1.PodSpec{
				NodeName: nodes[i%len(nodes)], ServiceAccountName: name, RestartPolicy: corev1.RestartPolicyAlways,
				Containers: []corev1.Container{{Name: "app", Image: "registry.example/" + name + ":1.20.3"}},
			},
		}, createNew); err != nil {
			return err
		}
	}
	return nil
}

// servicesOf are the names of an application's services.
func servicesOf(app int) []string {
	names := []string{fmt.Sprintf("app-%d", app)}
	if app%3 == 0 {
		names = append(names, names[0]+"-internal")
	}
	return names
}

// enlarge lets a stand-in hold its node's pods, and serve its dump and its log from files.
func (w *world) enlarge(t *testing.T, z *standIn, sent *zistiod.ConfigDump, logBytes int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(len(w.ztunnels)), 0))
	var local []*corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(w.pods)) {
		if p := w.pods[name]; p.Spec.NodeName == z.pod.Spec.NodeName {
			local = append(local, p)
			z.hold(t, p)
		}
	}
	z.chat(t, random, local, logBytes)
	dump := filepath.Join(w.dir, z.pod.Name+".json")
	if err := os.WriteFile(dump, must[[]byte](t)(printed(z.dumpOf(shuffled(sent, random)))), 0o600); err != nil {
		t.Fatal(err)
	}
	w.publish(t, z, func() ([]byte, error) { return os.ReadFile(dump) })
}

// shuffled puts the services of each workload into the order of a hash map
// that no other ztunnel has.
func shuffled(sent *zistiod.ConfigDump, random *rand.Rand) *zistiod.ConfigDump {
	for _, workload := range sent.Workloads {
		random.Shuffle(len(workload.Services), func(i, j int) {
			workload.Services[i], workload.Services[j] = workload.Services[j], workload.Services[i]
		})
	}
	return sent
}

// forget lets go of what was sent so far; the stream stays open.
func (s *subscription) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.resources)
}

// chat logs calls between the node's pods over a day, of so many bytes.
func (z *standIn) chat(t *testing.T, random *rand.Rand, local []*corev1.Pod, logBytes int) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	const span = 24 * time.Hour
	at := time.Now().Add(-span)
	for written := 0; written < logBytes; {
		src, dst := local[random.IntN(len(local))], local[random.IntN(len(local))]
		at = at.Add(time.Duration(random.Int64N(int64(span) / int64(logBytes/300))))
		record := strings.NewReplacer(
			"bytes_sent=79", fmt.Sprintf("bytes_sent=%d", random.IntN(1<<20)), "bytes_recv=136", fmt.Sprintf("bytes_recv=%d", random.IntN(1<<20)),
			`duration="4ms"`, fmt.Sprintf(`duration="%dms"`, random.IntN(60000)),
		).Replace(access(src, dst, random.IntN(20000), "outbound", false))
		line := at.UTC().Format("2006-01-02T15:04:05.000000Z") + "\t" + record
		written += len(line) + 1
		z.state.lines = append(z.state.lines, line)
	}
	z.writeLog(t)
	z.state.lines = nil // they are in the file
}
