package world

import (
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/kubeapi"
)

// NamespaceObject is a Namespace.
func NamespaceObject(name string, ambient bool, created time.Time) *corev1.Namespace {
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

// ServiceAccount is a ServiceAccount.
func ServiceAccount(namespace, name string, created time.Time) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(created)}}
}

// ReplicaSetName cuts the pod's own suffix off its name, and replicaHash gives the part before it.
func ReplicaSetName(pod string) string {
	if i := strings.LastIndexByte(pod, '-'); i > 0 {
		return pod[:i]
	}
	return pod
}

// ReplicaHash is the part of a pod's name that its ReplicaSet's name ends with.
func ReplicaHash(pod string) string {
	name := ReplicaSetName(pod)
	return name[strings.LastIndexByte(name, '-')+1:]
}

// AppBackend is an application's pod: it logs nothing and listens on no port that is known of.
func AppBackend(p PodModel) PodBackend {
	return p.Backend(func(_ string, previous bool) (kubeapi.Log, bool) { return kubeapi.Log{Started: p.Created}, !previous }, nil)
}

// OwnerObjects are the ReplicaSets, Deployments and service accounts of pods.
func OwnerObjects(pods []PodModel, created time.Time) []Stored {
	type owned struct{ pods []PodModel }
	sets, deployments, accounts := map[string]*owned{}, map[string]*owned{}, map[string]*owned{}
	note := func(m map[string]*owned, key string, p PodModel) {
		if m[key] == nil {
			m[key] = &owned{}
		}
		m[key].pods = append(m[key].pods, p)
	}
	for _, p := range pods {
		set := ReplicaSetName(p.Name)
		note(sets, PodKey(p.Namespace, set), p)
		note(deployments, PodKey(p.Namespace, ReplicaSetName(set)), p)
		note(accounts, PodKey(p.Namespace, p.ServiceAccount), p)
	}
	var out []Stored
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		out = append(out, Stored{"replicasets", replicaSet(key, sets[key].pods, created)})
	}
	for _, key := range slices.Sorted(maps.Keys(deployments)) {
		out = append(out, Stored{"deployments", Deployment(key, deployments[key].pods, created)})
	}
	for _, key := range slices.Sorted(maps.Keys(accounts)) {
		namespace, name, _ := strings.Cut(key, "/")
		out = append(out, Stored{"serviceaccounts", ServiceAccount(namespace, name, created)})
	}
	return out
}

func countReady(pods []PodModel) (all, ready int32) {
	for _, p := range pods {
		all++
		if p.Ready {
			ready++
		}
	}
	return all, ready
}

func replicaSet(key string, pods []PodModel, created time.Time) *appsv1.ReplicaSet {
	namespace, name, _ := strings.Cut(key, "/")
	all, ready := countReady(pods)
	selector := map[string]string{"app": pods[0].Labels["app"], "pod-template-hash": pods[0].Labels["pod-template-hash"]}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: StableUID("replicasets", namespace, name),
			Labels: selector, CreationTimestamp: metav1.NewTime(created),
			OwnerReferences: []metav1.OwnerReference{OwnerReference("apps/v1", "Deployment", "deployments", namespace, ReplicaSetName(name))},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &all, Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: appTemplate(pods[0]),
		},
		Status: appsv1.ReplicaSetStatus{Replicas: all, ReadyReplicas: ready, AvailableReplicas: ready},
	}
}

// Deployment is the Deployment NAMESPACE/NAME of pods.
func Deployment(key string, pods []PodModel, created time.Time) *appsv1.Deployment {
	namespace, name, _ := strings.Cut(key, "/")
	all, ready := countReady(pods)
	selector := map[string]string{"app": pods[0].Labels["app"]}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: StableUID("deployments", namespace, name),
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

func appTemplate(p PodModel) corev1.PodTemplateSpec {
	labels := maps.Clone(p.Labels)
	delete(labels, "pod-template-hash")
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{
			ServiceAccountName: p.ServiceAccount,
			Containers:         []corev1.Container{{Name: p.Container.Name, Image: p.Container.Image}},
		},
	}
}
