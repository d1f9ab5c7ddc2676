package sim

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/zbundle/zbundle/internal/istio"
)

func podTraps() []Trap {
	return []Trap{
		{"young-pods", "pods that started seconds ago: not captured yet, and unknown to istiod and ztunnels", "", layOn((*mesh).pickPod, layYoungPods)},
		{"terminating-pods", "pods under deletion: they still run, and the mesh has forgotten them", "", layTerminatingPods},
		{"completed-jobs", "Jobs that are done: their pods keep the mark of capture, and their addresses went to others", "", layOn((*mesh).pickPod, layCompletedJobs)},
		{"static-pods", "static pods on the host's network, one of them in an ambient namespace", "notice", layOn((*mesh).pickPod, layStaticPods)},
		{"host-network-pods", "pods of an ambient namespace on the host's network, which share their node's address", "notice", layOn((*mesh).pickPod, layHostNetwork)},
		{"sidecars", "pods with sidecars in an ambient namespace that call captured pods with the sidecars' own mutual TLS", "notice", laySidecars},
	}
}

func layYoungPods(m *mesh, p *meshPod) {
	for i := range 3 {
		young := m.addBeside(p, m.nodes[i%len(m.nodes)], i, m.now.Add(-time.Duration(10+i*15)*time.Second))
		young.inIstiod, young.ready = false, false
	}
}

func layTerminatingPods(m *mesh) error {
	for range 3 {
		p, err := m.pickPod("")
		if err != nil {
			return err
		}
		m.terminate(p)
	}
	return nil
}

func layCompletedJobs(m *mesh, p *meshPod) {
	for i := range 3 {
		ended := m.now.Add(-time.Duration(i+1) * time.Hour).Truncate(time.Second)
		job := m.addBeside(p, m.nodes[i%len(m.nodes)], i, ended.Add(-5*time.Minute))
		job.owner = ownerReference("batch/v1", "Job", "jobs", job.namespace, "batch")
		job.annotations = map[string]string{istio.RedirectionAnnotation: "enabled"}
		job.phase, job.ready, job.inIstiod = corev1.PodSucceeded, false, false
		job.ips = p.ips
		job.container.ended = &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(job.created), FinishedAt: metav1.NewTime(ended),
		}
	}
}

func layStaticPods(m *mesh, p *meshPod) {
	for i, n := range m.nodes {
		static := m.addBeside(p, n, i, m.started)
		static.namespace, static.name, static.app = "kube-system", "kube-proxy-"+n.name, "kube-proxy"
		if i == 0 {
			static.namespace, static.name, static.app = p.namespace, "node-exporter-"+n.name, "node-exporter"
		}
		static.uid = string(stableUID("pods", static.namespace, static.name))
		static.owner = metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: n.name, UID: stableUID("nodes", "", n.name), Controller: new(bool)}
		*static.owner.Controller = true
		static.labels = map[string]string{"app": static.app, "tier": "node"}
		static.serviceAccount = "default"
		m.toHostNetwork(static)
	}
}

func (m *mesh) toHostNetwork(p *meshPod) {
	p.hostNet, p.podModel.hostNetwork = true, true
	p.ips = []string{p.onNode.ip}
}

func layHostNetwork(m *mesh, p *meshPod) {
	for i := range 4 {
		m.toHostNetwork(m.addBeside(p, m.nodes[i/2%len(m.nodes)], i, m.started))
	}
}

func laySidecars(m *mesh) error {
	p, err := m.pickPod("")
	if err != nil {
		return err
	}
	for i := range 2 {
		dst, err := m.pickCaller(p, nil, nil)
		if err != nil {
			return err
		}
		side := m.addBeside(p, m.nodes[i%len(m.nodes)], i, m.started)
		side.annotations = map[string]string{istio.SidecarStatusAnnotation: `{"initContainers":["istio-validation","istio-proxy"],"containers":null,"revision":"default"}`}
		side.labels[istio.TLSModeLabel] = "istio"
		if side.mayCall(dst) {
			m.calls = append(m.calls, func(at time.Time) { m.callPod(side, dst, at) })
		}
	}
	m.noteIstioNamespace(p.namespace)
	return nil
}

// noteIstioNamespace labels a namespace for injection as well, as in a migration from sidecars.
func (m *mesh) noteIstioNamespace(name string) {
	m.amend = append(m.amend, func(o stored) {
		if ns, ok := o.object.(*corev1.Namespace); ok && ns.Name == name {
			ns.Labels[istio.InjectionLabel] = "enabled"
		}
	})
}
