package sim

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

// systemNamespace is where the charts put Istio.
const systemNamespace = "istio-system"

// imageHub is the registry that the charts default to.
const imageHub = "docker.io/istio/"

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

func merged(sets ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// ztunnelContainer follows manifests/charts/ztunnel/templates/daemonset.yaml.
func ztunnelContainer(version string) containerModel {
	return containerModel{
		name:  istio.ProxyContainer,
		image: imageHub + "ztunnel:" + version + "-distroless",
		env: []corev1.EnvVar{
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
		ports: []corev1.ContainerPort{{Name: "ztunnel-stats", ContainerPort: 15020, Protocol: corev1.ProtocolTCP}},
		resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("200m"),
			corev1.ResourceMemory: resource.MustParse("512Mi"),
		}},
		probe: httpProbe("/healthz/ready", 15021),
	}
}

func ztunnelPodLabels(version string) map[string]string {
	return merged(chartLabels("ztunnel", version), map[string]string{
		"app":                        "ztunnel",
		istio.DataplaneModeLabel:     "none",
		istio.InjectAnnotation:       "false",
		"controller-revision-hash":   "7d9f8b6c5d",
		"pod-template-generation":    "1",
		"app.kubernetes.io/instance": "ztunnel",
	})
}

// cniContainer follows manifests/charts/istio-cni/templates/daemonset.yaml.
func cniContainer(version string) containerModel {
	return containerModel{
		name:  istio.CNIContainer,
		image: imageHub + "install-cni:" + version + "-distroless",
		env: []corev1.EnvVar{
			fieldEnv("REPAIR_NODE_NAME", "spec.nodeName"),
			fieldEnv("NODE_NAME", "spec.nodeName"),
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory"}}},
		},
		ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 15014, Protocol: corev1.ProtocolTCP}},
		resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("100m"),
			corev1.ResourceMemory: resource.MustParse("100Mi"),
		}},
		probe: httpProbe("/readyz", 8000),
	}
}

func cniPodLabels(version string) map[string]string {
	return merged(chartLabels("istio-cni", version), map[string]string{
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

func httpProbe(path string, number int) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt(number)}},
		PeriodSeconds:    10,
		FailureThreshold: 3,
	}
}

// daemonSet is the owner of one kind of node agent.
type daemonSet struct {
	name           string
	labels         map[string]string
	selector       map[string]string
	podLabels      map[string]string
	serviceAccount string
	hostNetwork    bool
	container      containerModel
	created        time.Time
	desired, ready int32
}

func (d daemonSet) object() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         systemNamespace,
			Name:              d.name,
			UID:               stableUID("daemonsets", systemNamespace, d.name),
			Generation:        1,
			Labels:            d.labels,
			CreationTimestamp: metav1.NewTime(d.created),
		},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: d.selector},
			Template: podTemplate(d.podLabels, d.serviceAccount, d.hostNetwork, d.container),
		},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration:     1,
			DesiredNumberScheduled: d.desired,
			CurrentNumberScheduled: d.desired,
			UpdatedNumberScheduled: d.desired,
			NumberReady:            d.ready,
			NumberAvailable:        d.ready,
			NumberUnavailable:      d.desired - d.ready,
		},
	}
}

func podTemplate(labels map[string]string, serviceAccount string, hostNetwork bool, c containerModel) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{istio.InjectAnnotation: "false"}},
		Spec: corev1.PodSpec{
			ServiceAccountName: serviceAccount,
			HostNetwork:        hostNetwork,
			PriorityClassName:  "system-node-critical",
			Containers: []corev1.Container{{
				Name:           c.name,
				Image:          c.image,
				Env:            c.env,
				Ports:          c.ports,
				Resources:      c.resources,
				ReadinessProbe: c.probe,
			}},
		},
	}
}

func ownedByDaemonSet(name string) metav1.OwnerReference {
	return ownerReference("apps/v1", "DaemonSet", "daemonsets", systemNamespace, name)
}

func ownerReference(apiVersion, kind, plural, namespace, name string) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{
		APIVersion: apiVersion, Kind: kind, Name: name, UID: stableUID(plural, namespace, name),
		Controller: &yes, BlockOwnerDeletion: &yes,
	}
}

// ztunnelDaemonSet and cniDaemonSet are as the charts render them.
func ztunnelDaemonSet(version string, created time.Time, desired, ready int32) daemonSet {
	labels := ztunnelPodLabels(version)
	return daemonSet{
		name: "ztunnel", labels: chartLabels("ztunnel", version), selector: map[string]string{"app": "ztunnel"},
		podLabels: templateLabels(labels), serviceAccount: "ztunnel", container: ztunnelContainer(version),
		created: created, desired: desired, ready: ready,
	}
}

func cniDaemonSet(version string, created time.Time, desired, ready int32) daemonSet {
	return daemonSet{
		name: istio.CNINodeApp,
		labels: merged(chartLabels("istio-cni", version), map[string]string{
			istio.KubernetesAppLabel: istio.CNINodeApp, "release": "istio-cni", istio.RevisionLabel: "default",
			"install.operator.istio.io/owning-resource": "unknown", "operator.istio.io/component": "Cni",
		}),
		selector:  map[string]string{istio.KubernetesAppLabel: istio.CNINodeApp},
		podLabels: templateLabels(cniPodLabels(version)), serviceAccount: "istio-cni", container: cniContainer(version),
		created: created, desired: desired, ready: ready,
	}
}

// templateLabels are a pod's labels without those that the DaemonSet controller adds.
func templateLabels(labels map[string]string) map[string]string {
	template := maps.Clone(labels)
	delete(template, "controller-revision-hash")
	delete(template, "pod-template-generation")
	return template
}

// cniConfigMap is what the istio-cni agent is configured by,
// manifests/charts/istio-cni/templates/configmap-cni.yaml.
func cniConfigMap(version string, created time.Time) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: systemNamespace, Name: istio.CNIConfigMap, CreationTimestamp: metav1.NewTime(created),
			Labels: merged(chartLabels("istio-cni", version), map[string]string{"app": "istio-cni", istio.RevisionLabel: "default"}),
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
