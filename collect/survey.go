package collect

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	corev1 "k8s.io/api/core/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// survey is what the lists of pods and nodes tell before any pod is asked.
type survey struct {
	// pods are those that have not ended: istiod makes a workload of each.
	pods int
	// ztunnels are how many were found.
	ztunnels int64
	// bytes are those of the list of pods.
	bytes int64
	nodes map[string]node
	// enrolled counts the pods of each node that its ztunnel is to hold.
	enrolled map[string]int
	// placed are the nodes of each workload, only where --for needs them.
	placed map[workload]map[string]bool
}

// node is what is known of one, other than its ztunnel.
type node struct {
	zone, pool  string
	labels      map[string]string
	allocatable int64 // bytes of memory, 0 where it is not known
}

// workload is what owns pods, as the mesh's telemetry names it.
type workload struct{ namespace, name string }

// sawPod takes notice of one pod, and says whether it is to be kept.
func (r *run) sawPod(raw []byte) bool {
	var p corev1.Pod
	if jsonv2.Unmarshal(raw, &p, rawjson.Lenient()) != nil {
		return true // the redaction has its own say
	}
	r.changes.before(p.Namespace, p.Name, string(p.UID))
	t, part := targetOf(&p)
	if part && t.kind == kindZtunnel {
		r.survey.ztunnels++
	}
	if part {
		t.cluster = r.dir
		r.targets = append(r.targets, t)
	}
	if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
		r.survey.pods++
		if p.Annotations[istio.RedirectionAnnotation] == istio.RedirectionEnabled {
			r.survey.enrolled[p.Spec.NodeName]++
		}
		r.place(&p)
	}
	return part || r.opts.inNamespaces(p.Namespace)
}

// place notes on which node a workload runs.
func (r *run) place(p *corev1.Pod) {
	if r.opts.For == "" || p.Spec.NodeName == "" {
		return
	}
	for _, name := range workloadNames(p) {
		w := workload{p.Namespace, name}
		if r.survey.placed[w] == nil {
			r.survey.placed[w] = map[string]bool{}
		}
		r.survey.placed[w][p.Spec.NodeName] = true
	}
}

// workloadNames are those by which a person or a metric may call a pod's
// workload: the pod, its owner, the Deployment behind a ReplicaSet, and "" for any.
func workloadNames(p *corev1.Pod) []string {
	names := []string{"", p.Name}
	for _, o := range p.OwnerReferences {
		names = append(names, o.Name)
		if hash := p.Labels["pod-template-hash"]; o.Kind == "ReplicaSet" && hash != "" {
			names = append(names, strings.TrimSuffix(o.Name, "-"+hash))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// poolLabels name the pool of a node at the usual providers.
var poolLabels = []string{
	"karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool", "node.kubernetes.io/instance-type",
}

// sawNode takes notice of one node.
func (r *run) sawNode(raw []byte) bool {
	var n corev1.Node
	if jsonv2.Unmarshal(raw, &n, rawjson.Lenient()) != nil {
		return true
	}
	known := node{zone: n.Labels[corev1.LabelTopologyZone], labels: n.Labels}
	for _, label := range poolLabels {
		known.pool = cmp.Or(known.pool, n.Labels[label])
	}
	if memory, ok := n.Status.Allocatable[corev1.ResourceMemory]; ok {
		known.allocatable = memory.Value()
	}
	r.survey.nodes[n.Name] = known
	return true
}

// sortTargets puts istiods first, since they tell which ztunnels they serve.
func (r *run) sortTargets() {
	rank := func(t target) int {
		return slices.Index([]string{kindIstiod, kindZtunnel, kindCNI, kindWaypoint, kindGateway}, t.kind)
	}
	slices.SortStableFunc(r.targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.node, b.node), cmp.Compare(a.name, b.name))
	})
}

// namespacesOf are the namespaces of the targets of these kinds, sorted.
func (r *run) namespacesOf(kinds ...string) []string {
	var out []string
	for _, t := range r.targets {
		if slices.Contains(kinds, t.kind) {
			out = append(out, t.namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// observer is told of each object of a list that more is learnt from.
func (r *run) observer(task task) func(raw []byte) bool {
	switch task.id {
	case podsTask:
		return r.sawPod
	case nodesTask:
		return r.sawNode
	}
	return nil
}

// look lists what the plan depends on, and keeps nothing.
func (r *run) look(ctx context.Context) error {
	for _, task := range tasks[:surveyed] {
		l := &listed{w: io.Discard, task: task, each: r.observer(task)}
		if why := r.forbidden(task, target{kind: kindCluster}); why != "" && task.id == podsTask {
			return fmt.Errorf("forbidden: %s, or in a namespace that --namespace names", why)
		} else if why != "" {
			continue
		}
		r.lists(task, l)
		err := r.api.list(ctx, r.served.path(task.resource), l)
		if task.id == podsTask {
			r.survey.bytes = l.bytes
			r.sortTargets()
			if err != nil {
				return err
			}
		}
	}
	return nil
}
