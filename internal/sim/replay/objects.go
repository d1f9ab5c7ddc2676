package replay

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/world"
)

// namespaceObjects labels a namespace as ambient when a pod of it is enrolled or meant to be.
func (r *recording) namespaceObjects() []world.Stored {
	ambient := r.ambientNamespaces()
	names := map[string]bool{"default": true, "kube-system": true, world.SystemNamespace: true}
	for _, p := range r.Pods {
		names[p.Namespace] = true
	}
	for _, s := range r.Services {
		names[s.Namespace] = true
	}
	for _, p := range r.Policies {
		names[p.Namespace] = true
	}
	var out []world.Stored
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, world.Stored{Resource: "namespaces", Object: world.NamespaceObject(name, ambient[name], r.settled())})
	}
	return out
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
func (r *recording) agentObjects(w *world.World) []world.Stored {
	var out []world.Stored
	var ready int32
	for i, n := range r.Nodes {
		node := r.nodes[n.Name]
		pod := r.ztunnelPod(n.Ztunnel, n.Name, n.IP)
		if pod.Ready {
			ready++
		}
		out = append(out, world.Stored{Resource: "pods", Object: pod.Object()})
		w.Pods[world.PodKey(pod.Namespace, pod.Name)] = pod.Backend(node.log, node.ports())
		cni := r.cniPod(i, n.Name, n.IP)
		out = append(out, world.Stored{Resource: "pods", Object: cni.Object()})
		w.Pods[world.PodKey(cni.Namespace, cni.Name)] = world.CNIBackend(cni, world.QuietCNI())
	}
	count := int32(len(r.Nodes))
	return append(out,
		world.Stored{Resource: "daemonsets", Object: world.ZtunnelDaemonSet(r.Version, r.settled(), count, ready).Object()},
		world.Stored{Resource: "daemonsets", Object: world.CNIDaemonSet(r.Version, r.settled(), count, count).Object()},
		world.Stored{Resource: "serviceaccounts", Object: world.ServiceAccount(world.SystemNamespace, "ztunnel", r.settled())},
		world.Stored{Resource: "serviceaccounts", Object: world.ServiceAccount(world.SystemNamespace, "istio-cni", r.settled())})
}

// ztunnelPod is as ready as its recorded readiness says, and as often restarted as its log.
func (r *recording) ztunnelPod(name, nodeName, ip string) world.PodModel {
	node := r.nodes[nodeName]
	container := world.ZtunnelContainer(r.Version)
	container.Started = r.settled()
	if n := len(node.processes); n > 1 {
		container.Restarts = int32(n - 1)
		container.Started = node.current().Started
		before := node.processes[n-2]
		container.Previous = &corev1.ContainerStateTerminated{
			Reason:     "Completed",
			StartedAt:  metav1.NewTime(r.settled()),
			FinishedAt: metav1.NewTime(before.LastTime()),
		}
	}
	return world.PodModel{
		Namespace: world.SystemNamespace, Name: name, UID: string(world.StableUID("pods", world.SystemNamespace, name)),
		Node: nodeName, HostIP: ip, IPs: []string{ip}, ServiceAccount: "ztunnel",
		Labels:      world.ZtunnelPodLabels(r.Version),
		Annotations: map[string]string{istio.InjectAnnotation: "false"},
		Owner:       world.OwnedByDaemonSet("ztunnel"), Container: container,
		Ready: node.readyCode == http.StatusOK, Created: r.settled(),
	}
}

func (r *recording) cniPod(i int, nodeName, ip string) world.PodModel {
	name := "istio-cni-node-" + world.NameSuffix(nodeName, i)
	container := world.CNIContainer(r.Version)
	container.Started = r.settled()
	return world.PodModel{
		Namespace: world.SystemNamespace, Name: name, UID: string(world.StableUID("pods", world.SystemNamespace, name)),
		Node: nodeName, HostIP: ip, IPs: []string{ip}, ServiceAccount: "istio-cni", HostNetwork: true,
		Labels:      world.CNIPodLabels(r.Version),
		Annotations: map[string]string{istio.InjectAnnotation: "false", "prometheus.io/port": "15014", "prometheus.io/scrape": "true"},
		Owner:       world.OwnedByDaemonSet(istio.CNINodeApp), Container: container, Ready: true, Created: r.settled(),
	}
}

// podModels are the applications' pods.
func (r *recording) podModels() []world.PodModel {
	ambient := r.ambientNamespaces()
	hostIPs := map[string]string{}
	for _, n := range r.Nodes {
		hostIPs[n.Name] = n.IP
	}
	var out []world.PodModel
	for _, p := range r.Pods {
		labels := map[string]string{"app": p.App, "version": "v1", "pod-template-hash": world.ReplicaHash(p.Name)}
		annotations := map[string]string{}
		switch {
		case p.Redirection != nil:
			annotations[istio.RedirectionAnnotation] = *p.Redirection
		case ambient[p.Namespace]:
			labels[istio.DataplaneModeLabel] = "none"
		}
		created := r.created(p)
		out = append(out, world.PodModel{
			Namespace: p.Namespace, Name: p.Name, UID: p.UID, Node: p.Node, HostIP: hostIPs[p.Node],
			IPs: r.podIPs(p), ServiceAccount: p.ServiceAccount, Labels: labels, Annotations: annotations,
			Owner:     world.OwnerReference("apps/v1", "ReplicaSet", "replicasets", p.Namespace, world.ReplicaSetName(p.Name)),
			Container: world.ContainerModel{Name: "app", Image: "registry.example/" + p.App + ":v1", Started: created},
			Ready:     !r.unhealthy(p), Created: created,
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

// podObjects are the pods with their owners and service accounts.
func (r *recording) podObjects(w *world.World, pods []world.PodModel) []world.Stored {
	var out []world.Stored
	for _, p := range pods {
		out = append(out, world.Stored{Resource: "pods", Object: p.Object()})
		w.Pods[world.PodKey(p.Namespace, p.Name)] = world.AppBackend(p)
	}
	return append(out, world.OwnerObjects(pods, r.settled())...)
}
