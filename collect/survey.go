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

// survey is what the lists of pods and nodes tell before any pod is asked. It
// is filled list by list, and does not change once pods are asked.
type survey struct {
	opts Options
	dir  string // of the cluster's entries, "" in a bundle of one

	served  groupVersions // nil where that is not known
	targets []target
	changes *podChanges
	// pods are those that have not ended: istiod makes a workload of each.
	pods int
	// ztunnels are how many were found.
	ztunnels int64
	podBytes int64 // of the list of pods
	nodes    map[string]node
	// enrolled counts the pods of each node that its ztunnel is to hold.
	enrolled map[string]int
	// placed are the nodes of each workload, only where --for needs them.
	placed map[workload]map[string]bool
}

func newSurvey(dir string, opts Options) *survey {
	return &survey{
		opts: opts, dir: dir, changes: newPodChanges(),
		nodes: map[string]node{}, enrolled: map[string]int{}, placed: map[workload]map[string]bool{},
	}
}

// node is what is known of one, other than its ztunnel.
type node struct {
	zone, pool  string
	labels      map[string]string
	allocatable int64 // bytes of memory, 0 where it is not known
}

// workload is what owns pods, as the mesh's telemetry names it.
type workload struct{ namespace, name string }

// addPod takes notice of one pod, and says whether it is to be kept.
func (s *survey) addPod(raw []byte) bool {
	var p corev1.Pod
	if jsonv2.Unmarshal(raw, &p, rawjson.Lenient()) != nil {
		return true // the redaction has its own say
	}
	s.changes.before(p.Namespace, p.Name, string(p.UID))
	t, part := targetOf(&p)
	if part && t.kind == kindZtunnel {
		s.ztunnels++
	}
	if part {
		t.cluster = s.dir
		s.targets = append(s.targets, t)
	}
	if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
		s.pods++
		if p.Annotations[istio.RedirectionAnnotation] == istio.RedirectionEnabled {
			s.enrolled[p.Spec.NodeName]++
		}
		s.place(&p)
	}
	return part || s.opts.inNamespaces(p.Namespace)
}

// place notes on which node a workload runs.
func (s *survey) place(p *corev1.Pod) {
	if s.opts.For == "" || p.Spec.NodeName == "" {
		return
	}
	for _, name := range workloadNames(p) {
		w := workload{p.Namespace, name}
		if s.placed[w] == nil {
			s.placed[w] = map[string]bool{}
		}
		s.placed[w][p.Spec.NodeName] = true
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

// addNode takes notice of one node.
func (s *survey) addNode(raw []byte) bool {
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
	s.nodes[n.Name] = known
	return true
}

// sortTargets puts istiods first, since they tell which ztunnels they serve.
func (s *survey) sortTargets() {
	rank := func(t target) int {
		return slices.Index([]string{kindIstiod, kindZtunnel, kindCNI, kindWaypoint, kindGateway}, t.kind)
	}
	slices.SortStableFunc(s.targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.node, b.node), cmp.Compare(a.name, b.name))
	})
}

// namespacesOf are the namespaces of the targets of these kinds, sorted.
func (s *survey) namespacesOf(kinds ...string) []string {
	var out []string
	for _, t := range s.targets {
		if slices.Contains(kinds, t.kind) {
			out = append(out, t.namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// observer is told of each object of a list that more is learnt from.
func (s *survey) observer(task task) func(raw []byte) bool {
	switch task.id {
	case podsTask:
		return s.addPod
	case nodesTask:
		return s.addNode
	}
	return nil
}

// scoutLists lists what the plan depends on, and keeps nothing.
func (c *objectCollector) scoutLists(ctx context.Context) error {
	for _, task := range tasks[:surveyed] {
		l := &listed{w: io.Discard, task: task, each: c.survey.observer(task)}
		if why := c.scope.forbidden(task, target{kind: kindCluster}); why != "" && task.id == podsTask {
			return fmt.Errorf("forbidden: %s, or in a namespace that --namespace names", why)
		} else if why != "" {
			continue
		}
		c.scope.allowedLists(task, l)
		err := c.api.list(ctx, c.survey.served.path(task.resource), l)
		if task.id == podsTask {
			c.survey.podBytes = l.bytes
			c.survey.sortTargets()
			if err != nil {
				return err
			}
		}
	}
	return nil
}
