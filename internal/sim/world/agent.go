package world

import (
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/zbundle/zbundle/internal/istio"
)

// SystemNamespace is where the charts put Istio.
const SystemNamespace = "istio-system"

// ImageHub is the registry that the charts default to.
const ImageHub = "docker.io/istio/"

// The labels that Istio's charts put on everything they render, manifests/charts/*/templates/zzz_profile.yaml.
func chartLabels(name, version string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/instance":   name,
		"app.kubernetes.io/managed-by": "Helm",
		"app.kubernetes.io/name":       name,
		"app.kubernetes.io/part-of":    "istio",
		"app.kubernetes.io/version":    version,
		"helm.sh/chart":                name + "-" + version,
	}
}

// Merged holds what all sets hold; later ones win.
func Merged(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// ZtunnelContainer follows manifests/charts/ztunnel/templates/daemonset.yaml.
func ZtunnelContainer(version string) ContainerModel {
	return ContainerModel{
		Name:  istio.ProxyContainer,
		Image: ImageHub + "ztunnel:" + version + "-distroless",
		Env: []corev1.EnvVar{
			{Name: "CA_ADDRESS", Value: "istiod.istio-system.svc:15012"},
			{Name: "XDS_ADDRESS", Value: "istiod.istio-system.svc:15012"},
			{Name: "RUST_LOG", Value: "info"},
			{Name: "RUST_BACKTRACE", Value: "1"},
			{Name: "ISTIO_META_CLUSTER_ID", Value: "Kubernetes"},
			{Name: "INPOD_ENABLED", Value: "true"},
			{Name: "TERMINATION_GRACE_PERIOD_SECONDS", Value: "30"},
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			fieldEnv("NODE_NAME", "spec.nodeName"),
			fieldEnv("INSTANCE_IP", "status.podIP"),
			fieldEnv("SERVICE_ACCOUNT", "spec.serviceAccountName"),
		},
		Ports: []corev1.ContainerPort{{Name: "ztunnel-stats", ContainerPort: 15020, Protocol: corev1.ProtocolTCP}},
		resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("200m"),
			corev1.ResourceMemory: resource.MustParse("512Mi"),
		}},
		Probe: HTTPProbe("/healthz/ready", 15021),
	}
}

// ZtunnelPodLabels are the labels of a ztunnel's pod.
func ZtunnelPodLabels(version string) map[string]string {
	return Merged(chartLabels("ztunnel", version), map[string]string{
		"app":                        "ztunnel",
		istio.DataplaneModeLabel:     "none",
		istio.InjectAnnotation:       "false",
		"controller-revision-hash":   "7d9f8b6c5d",
		"pod-template-generation":    "1",
		"app.kubernetes.io/instance": "ztunnel",
	})
}

// CNIContainer follows manifests/charts/istio-cni/templates/daemonset.yaml.
func CNIContainer(version string) ContainerModel {
	return ContainerModel{
		Name:  istio.CNIContainer,
		Image: ImageHub + "install-cni:" + version + "-distroless",
		Env: []corev1.EnvVar{
			fieldEnv("REPAIR_NODE_NAME", "spec.nodeName"),
			fieldEnv("NODE_NAME", "spec.nodeName"),
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory"}}},
		},
		Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 15014, Protocol: corev1.ProtocolTCP}},
		resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("100m"),
			corev1.ResourceMemory: resource.MustParse("100Mi"),
		}},
		Probe: HTTPProbe("/readyz", 8000),
	}
}

// CNIPodLabels are the labels of an istio-cni agent's pod.
func CNIPodLabels(version string) map[string]string {
	return Merged(chartLabels("istio-cni", version), map[string]string{
		istio.KubernetesAppLabel:   istio.CNINodeApp,
		istio.DataplaneModeLabel:   "none",
		istio.InjectAnnotation:     "false",
		"controller-revision-hash": "5c8d7f9b64",
		"pod-template-generation":  "1",
	})
}

func fieldEnv(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}}
}

// HTTPProbe is a readiness probe over HTTP.
func HTTPProbe(path string, number int) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt(number)}},
		PeriodSeconds:    10,
		FailureThreshold: 3,
	}
}

// DaemonSet is the owner of one kind of node agent.
type DaemonSet struct {
	Name           string
	Labels         map[string]string
	Selector       map[string]string
	PodLabels      map[string]string
	ServiceAccount string
	HostNetwork    bool
	Container      ContainerModel
	Created        time.Time
	Desired, Ready int32
}

// Object is the DaemonSet as Kubernetes serves it.
func (d DaemonSet) Object() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         SystemNamespace,
			Name:              d.Name,
			UID:               StableUID("daemonsets", SystemNamespace, d.Name),
			Generation:        1,
			Labels:            d.Labels,
			CreationTimestamp: metav1.NewTime(d.Created),
		},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: d.Selector},
			Template: podTemplate(d.PodLabels, d.ServiceAccount, d.HostNetwork, d.Container),
		},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration:     1,
			DesiredNumberScheduled: d.Desired,
			CurrentNumberScheduled: d.Desired,
			UpdatedNumberScheduled: d.Desired,
			NumberReady:            d.Ready,
			NumberAvailable:        d.Ready,
			NumberUnavailable:      d.Desired - d.Ready,
		},
	}
}

func podTemplate(labels map[string]string, serviceAccount string, hostNetwork bool, c ContainerModel) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{istio.InjectAnnotation: "false"}},
		Spec: corev1.PodSpec{
			ServiceAccountName: serviceAccount,
			HostNetwork:        hostNetwork,
			PriorityClassName:  "system-node-critical",
			Containers: []corev1.Container{{
				Name:           c.Name,
				Image:          c.Image,
				Env:            c.Env,
				Ports:          c.Ports,
				Resources:      c.resources,
				ReadinessProbe: c.Probe,
			}},
		},
	}
}

// OwnedByDaemonSet is the owner of a pod of such a DaemonSet of istio-system.
func OwnedByDaemonSet(name string) metav1.OwnerReference {
	return OwnerReference("apps/v1", "DaemonSet", "daemonsets", SystemNamespace, name)
}

// OwnerReference is an owner that controls what it owns.
func OwnerReference(apiVersion, kind, plural, namespace, name string) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{
		APIVersion: apiVersion, Kind: kind, Name: name, UID: StableUID(plural, namespace, name),
		Controller: &yes, BlockOwnerDeletion: &yes,
	}
}

// ZtunnelDaemonSet and cniDaemonSet are as the charts render them.
func ZtunnelDaemonSet(version string, created time.Time, desired, ready int32) DaemonSet {
	labels := ZtunnelPodLabels(version)
	return DaemonSet{
		Name: "ztunnel", Labels: chartLabels("ztunnel", version), Selector: map[string]string{"app": "ztunnel"},
		PodLabels: templateLabels(labels), ServiceAccount: "ztunnel", Container: ZtunnelContainer(version),
		Created: created, Desired: desired, Ready: ready,
	}
}

// CNIDaemonSet is the istio-cni DaemonSet as its chart renders it.
func CNIDaemonSet(version string, created time.Time, desired, ready int32) DaemonSet {
	return DaemonSet{
		Name: istio.CNINodeApp,
		Labels: Merged(chartLabels("istio-cni", version), map[string]string{
			istio.KubernetesAppLabel: istio.CNINodeApp, "release": "istio-cni", istio.RevisionLabel: "default",
			"install.operator.istio.io/owning-resource": "unknown", "operator.istio.io/component": "Cni",
		}),
		Selector:  map[string]string{istio.KubernetesAppLabel: istio.CNINodeApp},
		PodLabels: templateLabels(CNIPodLabels(version)), ServiceAccount: "istio-cni", Container: CNIContainer(version),
		Created: created, Desired: desired, Ready: ready,
	}
}

// templateLabels are a pod's labels without those that the DaemonSet controller adds.
func templateLabels(labels map[string]string) map[string]string {
	template := maps.Clone(labels)
	delete(template, "controller-revision-hash")
	delete(template, "pod-template-generation")
	return template
}

// CNIConfigMap is what the istio-cni agent is configured by,
// manifests/charts/istio-cni/templates/configmap-cni.yaml.
func CNIConfigMap(version string, created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: SystemNamespace, Name: istio.CNIConfigMap, CreationTimestamp: metav1.NewTime(created),
			Labels: Merged(chartLabels("istio-cni", version), map[string]string{"app": "istio-cni", istio.RevisionLabel: "default"}),
		},
		Data: map[string]string{
			"CURRENT_AGENT_VERSION": version,
			"AMBIENT_ENABLED":       "true",
			"AMBIENT_ENABLEMENT_SELECTOR": "- podSelector:\n    matchLabels:\n      istio.io/dataplane-mode: ambient\n" +
				"- namespaceSelector:\n    matchLabels:\n      istio.io/dataplane-mode: ambient\n" +
				"  podSelector:\n    matchExpressions:\n    - key: istio.io/dataplane-mode\n      operator: NotIn\n      values:\n      - none\n",
			"AMBIENT_DNS_CAPTURE":                    "true",
			"AMBIENT_IPV6":                           "true",
			"AMBIENT_RECONCILE_POD_RULES_ON_STARTUP": "true",
			"ISTIO_OWNED_CNI_CONFIG":                 "false",
			"CHAINED_CNI_PLUGIN":                     "true",
			"EXCLUDE_NAMESPACES":                     "kube-system",
			"REPAIR_ENABLED":                         "true",
			"NATIVE_NFTABLES":                        "false",
		},
	}
}
