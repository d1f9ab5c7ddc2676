package trap

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func podTraps() []Trap {
	return []Trap{
		{"young-pods", "pods that started seconds ago: not captured yet, and unknown to istiod and ztunnels", "", layOn(plant.PickPod, layYoungPods)},
		{"terminating-pods", "pods under deletion: they still run, and the mesh has forgotten them", "", layTerminatingPods},
		{"completed-jobs", "Jobs that are done: their pods keep the mark of capture, and their addresses went to others", "", layOn(plant.PickPod, layCompletedJobs)},
		{"static-pods", "static pods on the host's network, one of them in an ambient namespace", "notice", layOn(plant.PickPod, layStaticPods)},
		{"host-network-pods", "pods of an ambient namespace on the host's network, which share their node's address", "notice", layOn(plant.PickPod, layHostNetwork)},
		{"sidecars", "pods with sidecars in an ambient namespace that call captured pods with the sidecars' own mutual TLS", "notice", laySidecars},
	}
}

func layYoungPods(m *world.Mesh, p *world.Pod) {
	for i := range 3 {
		young := plant.AddBeside(m, p, m.Nodes[i%len(m.Nodes)], i, m.Now.Add(-time.Duration(10+i*15)*time.Second))
		young.InIstiod, young.Ready = false, false
	}
}

func layTerminatingPods(m *world.Mesh) error {
	for range 3 {
		p, err := plant.PickPod(m, "")
		if err != nil {
			return err
		}
		terminate(m, p)
	}
	return nil
}

func layCompletedJobs(m *world.Mesh, p *world.Pod) {
	for i := range 3 {
		ended := m.Now.Add(-time.Duration(i+1) * time.Hour).Truncate(time.Second)
		job := plant.AddBeside(m, p, m.Nodes[i%len(m.Nodes)], i, ended.Add(-5*time.Minute))
		job.Owner = world.OwnerReference("batch/v1", "Job", "jobs", job.Namespace, "batch")
		job.Annotations = map[string]string{istio.RedirectionAnnotation: "enabled"}
		job.Phase, job.Ready, job.InIstiod = corev1.PodSucceeded, false, false
		job.IPs = p.IPs
		job.Container.Ended = &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(job.Created), FinishedAt: metav1.NewTime(ended),
		}
	}
}

func layStaticPods(m *world.Mesh, p *world.Pod) {
	for i, n := range m.Nodes {
		static := plant.AddBeside(m, p, n, i, m.Started)
		static.Namespace, static.Name, static.App = "kube-system", "kube-proxy-"+n.Name, "kube-proxy"
		if i == 0 {
			static.Namespace, static.Name, static.App = p.Namespace, "node-exporter-"+n.Name, "node-exporter"
		}
		static.UID = string(world.StableUID("pods", static.Namespace, static.Name))
		static.Owner = metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: world.StableUID("nodes", "", n.Name), Controller: new(bool)}
		*static.Owner.Controller = true
		static.Labels = map[string]string{"app": static.App, "tier": "node"}
		static.ServiceAccount = "default"
		plant.ToHostNetwork(m, static)
	}
}

func layHostNetwork(m *world.Mesh, p *world.Pod) {
	for i := range 4 {
		plant.ToHostNetwork(m, plant.AddBeside(m, p, m.Nodes[i/2%len(m.Nodes)], i, m.Started))
	}
}

func laySidecars(m *world.Mesh) error {
	p, err := plant.PickPod(m, "")
	if err != nil {
		return err
	}
	for i := range 2 {
		dst, err := plant.PickCaller(m, p, nil, nil)
		if err != nil {
			return err
		}
		side := plant.AddBeside(m, p, m.Nodes[i%len(m.Nodes)], i, m.Started)
		side.Annotations = map[string]string{istio.SidecarStatusAnnotation: `{"initContainers":["istio-validation","istio-proxy"],"containers":null,"revision":"default"}`}
		side.Labels[istio.TLSModeLabel] = "istio"
		if side.MayCall(dst) {
			m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(side, dst, at) })
		}
	}
	noteIstioNamespace(m, p.Namespace)
	return nil
}

// noteIstioNamespace labels a namespace for injection as well, as in a migration from sidecars.
func noteIstioNamespace(m *world.Mesh, name string) {
	m.Amend = append(m.Amend, func(o world.Stored) {
		if ns, ok := o.Object.(*corev1.Namespace); ok && ns.Name == name {
			ns.Labels[istio.InjectionLabel] = "enabled"
		}
	})
}
