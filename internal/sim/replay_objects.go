package sim

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
)

type runtimeObject = runtime.Object

// namespaceObjects labels a namespace as ambient when a pod of it is enrolled or meant to be.
func (r *recording) namespaceObjects() []stored {
	ambient := r.ambientNamespaces()
	names := map[string]bool{"default": true, "kube-system": true, systemNamespace: true}
	for _, p := range r.Pods {
		names[p.Namespace] = true
	}
	for _, s := range r.Services {
		names[s.Namespace] = true
	}
	for _, p := range r.Policies {
		names[p.Namespace] = true
	}
	var out []stored
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, stored{"namespaces", namespaceObject(name, ambient[name], r.settled())})
	}
	return out
}

func namespaceObject(name string, ambient bool, created time.Time) *corev1.Namespace {
	ns := &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, CreationTimestamp: metav1.NewTime(created),
			Labels: map[string]string{"kubernetes.io/metadata.name": name},
		},
		Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
	}
	if ambient {
		ns.Labels[istio.DataplaneModeLabel] = "ambient"
	}
	return ns
}

func (r *recording) ambientNamespaces() map[string]bool {
	ambient := map[string]bool{}
	for _, p := range r.Pods {
		if p.Redirection != nil {
			ambient[p.Namespace] = true
		}
	}
	return ambient
}

// agentObjects are each node's ztunnel and istio-cni pods and their owners.
func (r *recording) agentObjects(w *world) []stored {
	var out []stored
	var ready int32
	for i, n := range r.Nodes {
		node := r.nodes[n.Name]
		pod := r.ztunnelPod(n.Ztunnel, n.Name, n.IP)
		if pod.ready {
			ready++
		}
		out = append(out, stored{"pods", pod.object()})
		w.pods[podKey(pod.namespace, pod.name)] = pod.backend(node.log, node.ports())
		cni := r.cniPod(i, n.Name, n.IP)
		out = append(out, stored{"pods", cni.object()})
		w.pods[podKey(cni.namespace, cni.name)] = cniBackend(cni, quietCNI())
	}
	count := int32(len(r.Nodes))
	return append(out,
		stored{"daemonsets", ztunnelDaemonSet(r.Version, r.settled(), count, ready).object()},
		stored{"daemonsets", cniDaemonSet(r.Version, r.settled(), count, count).object()},
		stored{"serviceaccounts", serviceAccount(systemNamespace, "ztunnel", r.settled())},
		stored{"serviceaccounts", serviceAccount(systemNamespace, "istio-cni", r.settled())})
}

// ztunnelPod is as ready as its recorded readiness says, and as often restarted as its log.
func (r *recording) ztunnelPod(name, nodeName, ip string) podModel {
	node := r.nodes[nodeName]
	container := ztunnelContainer(r.Version)
	container.started = r.settled()
	if n := len(node.processes); n > 1 {
		container.restarts = int32(n - 1)
		container.started = node.current().Started
		before := node.processes[n-2]
		container.previous = &corev1.ContainerStateTerminated{
			Reason:     "Completed",
			StartedAt:  metav1.NewTime(r.settled()),
			FinishedAt: metav1.NewTime(before.LastTime()),
		}
	}
	return podModel{
		namespace: systemNamespace, name: name, uid: string(stableUID("pods", systemNamespace, name)),
		node: nodeName, hostIP: ip, ips: []string{ip}, serviceAccount: "ztunnel",
		labels:      ztunnelPodLabels(r.Version),
		annotations: map[string]string{istio.InjectAnnotation: "false"},
		owner:       ownedByDaemonSet("ztunnel"), container: container,
		ready: node.readyCode == http.StatusOK, created: r.settled(),
	}
}

func (r *recording) cniPod(i int, nodeName, ip string) podModel {
	name := "istio-cni-node-" + nameSuffix(nodeName, i)
	container := cniContainer(r.Version)
	container.started = r.settled()
	return podModel{
		namespace: systemNamespace, name: name, uid: string(stableUID("pods", systemNamespace, name)),
		node: nodeName, hostIP: ip, ips: []string{ip}, serviceAccount: "istio-cni", hostNetwork: true,
		labels:      cniPodLabels(r.Version),
		annotations: map[string]string{istio.InjectAnnotation: "false", "prometheus.io/port": "15014", "prometheus.io/scrape": "true"},
		owner:       ownedByDaemonSet(istio.CNINodeApp), container: container, ready: true, created: r.settled(),
	}
}

func serviceAccount(namespace, name string, created time.Time) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(created)}}
}

// podModels are the applications' pods.
func (r *recording) podModels() []podModel {
	ambient := r.ambientNamespaces()
	hostIPs := map[string]string{}
	for _, n := range r.Nodes {
		hostIPs[n.Name] = n.IP
	}
	var out []podModel
	for _, p := range r.Pods {
		labels := map[string]string{"app": p.App, "version": "v1", "pod-template-hash": replicaHash(p.Name)}
		annotations := map[string]string{}
		switch {
		case p.Redirection != nil:
			annotations[istio.RedirectionAnnotation] = *p.Redirection
		case ambient[p.Namespace]:
			labels[istio.DataplaneModeLabel] = "none"
		}
		created := r.created(p)
		out = append(out, podModel{
			namespace: p.Namespace, name: p.Name, uid: p.UID, node: p.Node, hostIP: hostIPs[p.Node],
			ips: r.podIPs(p), serviceAccount: p.ServiceAccount, labels: labels, annotations: annotations,
			owner:     ownerReference("apps/v1", "ReplicaSet", "replicasets", p.Namespace, replicaSetName(p.Name)),
			container: containerModel{name: "app", image: "registry.example/" + p.App + ":v1", started: created},
			ready:     !r.unhealthy(p), created: created,
		})
	}
	return out
}

// created is long ago for pods that the CNI agent's first snapshot had, for those that no agent
// was to tell of, and the moment that the ztunnel was given it for any later one.
func (r *recording) created(p recordedPod) time.Time {
	for _, message := range r.ZDS[p.Node] {
		if len(message) == 0 || message[0] == "snapshot" {
			break
		}
		if message[0] == "add "+p.UID {
			return r.settled()
		}
	}
	if at, ok := r.nodes[p.Node].received(p.UID); ok {
		return at.Truncate(time.Second)
	}
	return r.settled()
}

// podIPs are the recorded address and the one of the other family, if the control plane knew one.
func (r *recording) podIPs(p recordedPod) []string {
	ips := []string{p.IP}
	for _, n := range r.Nodes {
		for _, w := range r.nodes[n.Name].state.Workloads {
			if w.Namespace != p.Namespace || w.Name != p.Name || !slices.Contains(w.WorkloadIPs, p.IP) {
				continue
			}
			ips = appendOtherFamily(ips, w.WorkloadIPs)
		}
	}
	return ips
}

// appendOtherFamily adds the first address whose family is not the one of ips[0].
func appendOtherFamily(ips, more []string) []string {
	first, err := netip.ParseAddr(ips[0])
	if err != nil || len(ips) > 1 {
		return ips
	}
	for _, text := range more {
		if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() != first.Is4() {
			return append(ips, text)
		}
	}
	return ips
}

// unhealthy is true when every ztunnel that knows the pod was told that it is not ready, which
// istiod takes from the pod's own conditions.
func (r *recording) unhealthy(p recordedPod) bool {
	known := false
	for _, n := range r.nodes {
		for _, w := range n.state.Workloads {
			if w.Namespace != p.Namespace || w.Name != p.Name || !slices.Contains(w.WorkloadIPs, p.IP) {
				continue
			}
			if w.Status != "Unhealthy" {
				return false
			}
			known = true
		}
	}
	return known
}

// replicaSetName cuts the pod's own suffix off its name, and replicaHash gives the part before it.
func replicaSetName(pod string) string {
	if i := strings.LastIndexByte(pod, '-'); i > 0 {
		return pod[:i]
	}
	return pod
}

func replicaHash(pod string) string {
	name := replicaSetName(pod)
	return name[strings.LastIndexByte(name, '-')+1:]
}

// podObjects are the pods with their owners and service accounts.
func (r *recording) podObjects(w *world, pods []podModel) []stored {
	var out []stored
	for _, p := range pods {
		out = append(out, stored{"pods", p.object()})
		w.pods[podKey(p.namespace, p.name)] = appBackend(p)
	}
	return append(out, ownerObjects(pods, r.settled())...)
}

// appBackend is an application's pod: it logs nothing and listens on no port that is known of.
func appBackend(p podModel) podBackend {
	return p.backend(func(_ string, previous bool) (kubeapi.Log, bool) { return kubeapi.Log{Started: p.created}, !previous }, nil)
}

// ownerObjects are the ReplicaSets, Deployments and service accounts of pods.
func ownerObjects(pods []podModel, created time.Time) []stored {
	type owned struct{ pods []podModel }
	sets, deployments, accounts := map[string]*owned{}, map[string]*owned{}, map[string]*owned{}
	note := func(m map[string]*owned, key string, p podModel) {
		if m[key] == nil {
			m[key] = &owned{}
		}
		m[key].pods = append(m[key].pods, p)
	}
	for _, p := range pods {
		set := replicaSetName(p.name)
		note(sets, podKey(p.namespace, set), p)
		note(deployments, podKey(p.namespace, replicaSetName(set)), p)
		note(accounts, podKey(p.namespace, p.serviceAccount), p)
	}
	var out []stored
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		out = append(out, stored{"replicasets", replicaSet(key, sets[key].pods, created)})
	}
	for _, key := range slices.Sorted(maps.Keys(deployments)) {
		out = append(out, stored{"deployments", deployment(key, deployments[key].pods, created)})
	}
	for _, key := range slices.Sorted(maps.Keys(accounts)) {
		namespace, name, _ := strings.Cut(key, "/")
		out = append(out, stored{"serviceaccounts", serviceAccount(namespace, name, created)})
	}
	return out
}

func countReady(pods []podModel) (all, ready int32) {
	for _, p := range pods {
		all++
		if p.ready {
			ready++
		}
	}
	return all, ready
}

func replicaSet(key string, pods []podModel, created time.Time) *appsv1.ReplicaSet {
	namespace, name, _ := strings.Cut(key, "/")
	all, ready := countReady(pods)
	selector := map[string]string{"app": pods[0].labels["app"], "pod-template-hash": pods[0].labels["pod-template-hash"]}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: stableUID("replicasets", namespace, name),
			Labels: selector, CreationTimestamp: metav1.NewTime(created),
			OwnerReferences: []metav1.OwnerReference{ownerReference("apps/v1", "Deployment", "deployments", namespace, replicaSetName(name))},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &all, Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: appTemplate(pods[0]),
		},
		Status: appsv1.ReplicaSetStatus{Replicas: all, ReadyReplicas: ready, AvailableReplicas: ready},
	}
}

func deployment(key string, pods []podModel, created time.Time) *appsv1.Deployment {
	namespace, name, _ := strings.Cut(key, "/")
	all, ready := countReady(pods)
	selector := map[string]string{"app": pods[0].labels["app"]}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: stableUID("deployments", namespace, name),
			Labels: selector, CreationTimestamp: metav1.NewTime(created), Generation: 1,
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &all, Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: appTemplate(pods[0]),
		},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: all, UpdatedReplicas: all, ReadyReplicas: ready, AvailableReplicas: ready,
		},
	}
}

func appTemplate(p podModel) corev1.PodTemplateSpec {
	labels := maps.Clone(p.labels)
	delete(labels, "pod-template-hash")
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{
			ServiceAccountName: p.serviceAccount,
			Containers:         []corev1.Container{{Name: p.container.name, Image: p.container.image}},
		},
	}
}
